// <scan-box>: the scan field that clears itself and keeps the focus, keeps every code on the device first, and tells what became of it.
import { policy } from '../app.js';
import * as queue from './queue.js';
import { Signals } from './signals.js';

const SHOWN = 20;
const POLITE = 700;
const LONGEST = 64;
const PAUSE = 4_500;

const told = (words, what) => words.replace('{}', what);

class ScanBox extends HTMLElement {
  async connectedCallback() {
    this.field = this.querySelector('[data-scan]');
    this.form = this.querySelector('[data-scan-form]');
    this.container = this.querySelector('[name="container"]');
    this.band = this.querySelector('#band');
    this.state = this.querySelector('[data-state]');
    this.list = this.querySelector('#results');
    this.signals = new Signals(this);
    this.rows = new Map();
    this.address = this.dataset.address ?? this.ofThisPage();
    if (!this.address) return;
    // Without these the form works as it stands, as long as there is a network.
    if (!globalThis.isSecureContext || !navigator.locks || !crypto.randomUUID) return;
    this.form.addEventListener('submit', (event) => { event.preventDefault(); this.take(this.field.value, 'scanner'); });
    this.field.addEventListener('keydown', (event) => {
      if (event.key !== 'Tab' || event.shiftKey || !this.field.value) return;
      event.preventDefault();
      this.take(this.field.value, 'scanner');
    });
    // What a scanner types while the focus is elsewhere goes into the field.
    this.strays = (event) => {
      const typing = event.target.closest?.('input, select, textarea, button, a, summary, [contenteditable]');
      if (!typing && event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey) this.field.focus();
    };
    document.addEventListener('keydown', this.strays);
    this.camera();
    try {
      await queue.ready();
    } catch {
      this.tell('bad', this.dataset.storage);
      this.storageless = true;
    }
    if (this.storageless) return;
    for (const { scan } of (await queue.kept(this.address)).slice(-SHOWN)) this.row(scan.id, { outcome: 'waiting', code: scan.code, container: scan.container });
    await this.counted();
    this.stop = queue.often(() => this.send());
    this.watch();
    this.keepShell();
    this.dataset.ready = '';
    if (!document.activeElement || document.activeElement === document.body) this.field.focus();
  }

  disconnectedCallback() {
    document.removeEventListener('keydown', this.strays);
    this.stop?.();
    this.source?.close();
  }

  /** Offline the page is the kept one, and its address says which consignment it is. */
  ofThisPage() {
    const [, id] = location.pathname.match(/\/consignments\/([^/]+)\/scan$/) ?? [];
    return id && `${this.dataset.base}/consignments/${id}/scans`;
  }

  /** Takes a code: shown at once, kept, then sent. */
  async take(code, method) {
    this.field.value = '';
    this.field.focus();
    const text = code.trim();
    if (!text) { this.show({ outcome: 'problem', code: '', why: this.dataset.nothing }); this.signals.tell('problem'); return; }
    if (this.storageless) { this.field.value = text; HTMLFormElement.prototype.submit.call(this.form); return; }
    const container = this.container?.value.trim() || undefined;
    this.show({ outcome: 'waiting', code: text.slice(0, LONGEST), container });
    const scan = { id: crypto.randomUUID(), at: new Date().toISOString(), code: text.slice(0, 2_000), container, method };
    this.row(scan.id, { outcome: 'waiting', code: text.slice(0, LONGEST), container });
    try {
      await queue.keep(this.address, scan);
    } catch {
      this.tell('bad', this.dataset.storage);
      const result = { outcome: 'problem', code: text, why: this.dataset.storage };
      this.row(scan.id, result);
      this.show(result);
      this.signals.tell('problem');
      return;
    }
    // Where the network was gone a moment ago, nobody asks it again for every scan.
    if (this.outcome === 'offline' && !this.sending && performance.now() - this.tried < PAUSE) await this.counted(); else this.send();
  }

  /** Sends what is kept; once more where something came meanwhile. */
  async send() {
    if (this.sending) { this.again = true; return; }
    this.sending = true;
    try {
      do {
        this.again = false;
        this.tried = performance.now();
        this.outcome = await queue.flush(this.address, (answer) => this.answered(answer));
      } while (this.again);
    } catch {
      this.outcome = 'offline';
    } finally {
      this.sending = false;
    }
    await this.counted();
  }

  /** What the service said of each. */
  answered(answer) {
    const last = answer.results.at(-1);
    let worst;
    for (const result of answer.results) {
      this.row(result.id, result);
      if (result.outcome !== 'ok' && result.outcome !== 'again') worst = result;
      if (result.outcome === 'ok' && result.item) this.newest(result);
    }
    const shown = worst ?? last;
    if (!shown) return;
    this.show(shown);
    this.signals.tell(shown.outcome);
    this.count('listed', answer.listed);
    const expected = Number(this.querySelector('[data-count="expected"]')?.textContent);
    if (expected) this.count('left', Math.max(0, expected - answer.listed));
  }

  /** The last one that can be taken off again. */
  newest(result) {
    const undo = this.querySelector('[data-undo]');
    if (!undo) return;
    undo.hidden = false;
    undo.elements.item.value = result.item;
    undo.elements.idempotency_key.value = crypto.randomUUID();
    undo.elements.container.value = this.container?.value ?? '';
    undo.querySelector('[data-newest]').textContent = result.name ?? result.code;
  }

  words(outcome) { return this.dataset[outcome] ?? ''; }

  /** The band: large, coloured, with a word and a sign. */
  show({ outcome, code, name, title, why, refusal, container }) {
    const band = this.band;
    band.className = `band ${outcome}`;
    const line = (className, text) => {
      const p = document.createElement('p');
      p.className = className;
      p.textContent = text;
      return p;
    };
    const word = line('word', ` ${this.words(outcome)}`);
    const mark = document.createElement('span');
    mark.className = 'mark';
    mark.setAttribute('aria-hidden', 'true');
    word.prepend(mark);
    const what = document.createElement('p');
    const strong = document.createElement('strong');
    strong.className = 'mono name';
    strong.textContent = name ?? code ?? '';
    what.append(strong, ` ${title ?? ''}${container ? ` · ${container}` : ''}`);
    const parts = [word, what];
    const unknown = refusal === 'consignment.unknown_scan';
    if (why && outcome !== 'again') parts.push(line('why', unknown ? this.dataset.unknown : why));
    if (unknown && document.getElementById('by-hand')) parts.push(this.toHand(code));
    // Whoever listens hears a problem at once, and the rest no faster than it can be spoken.
    const urgent = outcome === 'problem' || outcome === 'conflict' || outcome === 'choice';
    band.setAttribute('role', urgent ? 'alert' : 'status');
    const now = performance.now();
    band.setAttribute('aria-live', urgent ? 'assertive' : now - (this.spoken ?? -POLITE) < POLITE ? 'off' : 'polite');
    this.spoken = now;
    band.replaceChildren(...parts);
  }

  toHand(code) {
    const p = document.createElement('p');
    p.className = 'why';
    const link = document.createElement('a');
    link.href = '#by-hand';
    link.textContent = this.dataset.hand;
    link.addEventListener('click', () => {
      const hand = document.getElementById('by-hand');
      hand.open = true;
      hand.querySelector('[name="tag"]').value = code;
      hand.querySelector('[name="container"]').value = this.container?.value ?? '';
      hand.querySelector('[name="idempotency_key"]').value = crypto.randomUUID();
    });
    p.append(link);
    return p;
  }

  /** A row of the list of what was scanned last. */
  row(id, { outcome, code, name, title, container, entry, why, refusal, item }) {
    const template = this.querySelector('template[data-result]');
    if (!template || !this.list) return;
    let row = this.rows.get(id);
    if (!row) {
      row = template.content.firstElementChild.cloneNode(true);
      this.rows.set(id, row);
      this.list.prepend(row);
      this.querySelector('[data-none]:not(ul)')?.remove();
    }
    if (item) this.list.querySelectorAll(`[data-item="${CSS.escape(item)}"]`).forEach((old) => { if (old !== row) old.remove(); });
    row.className = outcome;
    if (item) row.dataset.item = item;
    row.querySelector('strong').textContent = name ?? code;
    row.querySelector('.title').textContent = title ?? '';
    row.querySelector('.why').textContent = outcome === 'ok' ? '' : ` ${outcome === 'problem' && why && refusal !== 'consignment.unknown_scan' ? why : this.words(outcome)}`;
    const small = row.querySelector('small');
    small.textContent = container ?? '';
    if (entry) {
      const link = document.createElement('a');
      link.href = `${this.dataset.entries}${entry}`;
      link.textContent = told(this.dataset.entry, entry);
      small.append(container ? ' · ' : '', link);
    }
    while (this.list.children.length > SHOWN) {
      const gone = this.list.lastElementChild;
      for (const [known, element] of this.rows) if (element === gone) this.rows.delete(known);
      gone.remove();
    }
  }

  count(name, value) {
    const shown = this.querySelector(`[data-count="${name}"]`);
    if (shown && value !== undefined && value !== null) shown.textContent = value;
  }

  tell(kind, words) {
    if (!this.state) return;
    this.state.hidden = !words;
    this.state.className = `notice ${kind}`;
    if (this.state.textContent !== words) this.state.textContent = words;
  }

  /** How many are on the device alone. */
  async counted() {
    const waiting = await queue.count(this.address).catch(() => 0);
    this.count('device', waiting);
    this.querySelector('[data-device]')?.toggleAttribute('hidden', waiting === 0);
    // What is being sent just now is no news.
    if (waiting === 0 || !['offline', 'signed-out', 'refused'].includes(this.outcome)) { this.tell('', ''); return; }
    const why = { 'signed-out': this.dataset.signedOut, refused: this.dataset.refused }[this.outcome];
    this.tell('warn', [told(this.dataset.queued, waiting), why].filter(Boolean).join(' '));
  }

  /** What others do to the same list. */
  watch() {
    if (!this.dataset.events || !globalThis.EventSource) return;
    addEventListener('offline', () => { this.source?.close(); this.source = undefined; this.send(); });
    addEventListener('online', () => { if (!this.source) this.listen(); });
    this.listen();
  }

  listen() {
    this.source = new EventSource(`${this.dataset.events}?wait=1`);
    this.source.addEventListener('message', (event) => {
      const counts = JSON.parse(event.data);
      for (const name of ['listed', 'data', 'blocked', 'expected']) this.count(name, counts[name]);
      if (counts.expected) this.count('left', Math.max(0, counts.expected - counts.listed));
      const list = this.querySelector('#containers');
      list?.replaceChildren(...counts.containers.map(({ of, count }) => {
        const row = document.createElement('li');
        const name = document.createElement('span');
        name.textContent = of || list.dataset.none;
        const number = document.createElement('b');
        number.textContent = count;
        row.append(name, number);
        return row;
      }));
    });
    // A person has so many streams; without one the page counts what it scans itself.
    this.source.addEventListener('error', () => { if (this.source.readyState === EventSource.CLOSED) this.source = undefined; });
  }

  /** Keeps the page for when there is no network. */
  keepShell() {
    navigator.serviceWorker?.register(policy.createScriptURL(`${this.dataset.base}/sw.js`), { scope: `${this.dataset.base}/` }).catch(() => {});
  }

  camera() {
    const button = this.querySelector('[data-camera]');
    if (!button) return;
    button.hidden = false;
    button.addEventListener('click', async () => {
      const { Camera } = await import('./camera.js');
      this.seeing ??= new Camera(this, (code, method) => this.take(code, method));
      this.seeing.toggle();
    });
  }
}

customElements.define('scan-box', ScanBox);
