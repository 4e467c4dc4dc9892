// <check-record base="…"> around entries (`data-seq`) checks each in this browser: its exact bytes, who signed them, and that they are in the signed head.
import { able, readDid } from '../proof/eddsa.js';
import { readEntry, signedBy } from '../proof/entry.js';
import { leads, openReceipt, readVkey } from '../proof/note.js';

const AT_ONCE = 4;

class CheckRecord extends HTMLElement {
  connectedCallback() {
    this.button = this.querySelector('button[data-check]');
    if (!this.button) return;
    this.said = this.querySelector('[role="status"]');
    this.button.hidden = false;
    this.button.addEventListener('click', () => this.check());
  }

  word(name) { return this.dataset[name] ?? ''; }
  tell(words) { if (this.said) this.said.textContent = words; }

  async get(path, accept) {
    const answer = await fetch(`${this.getAttribute('base') ?? ''}${path}`, { headers: { Accept: accept } });
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    return answer;
  }

  async check() {
    this.button.disabled = true;
    this.tell(this.word('checking'));
    try {
      if (!globalThis.crypto?.subtle) { this.tell(this.word('insecure')); return; }
      if (!await able()) { this.tell(this.word('unable')); return; }
      const did = readDid(await (await this.get('/.well-known/did.json', 'application/json')).json());
      const log = await readVkey(await (await this.get('/ledger/log.vkey', 'text/plain')).text());
      const rows = [...this.querySelectorAll('[data-seq]')];
      const waiting = [...rows];
      const counts = { good: 0, bad: 0 };
      const work = async () => {
        for (let row = waiting.shift(); row; row = waiting.shift()) {
          const why = await this.problem(BigInt(row.dataset.seq), { did, log });
          this.mark(row, why);
          counts[why ? 'bad' : 'good'] += 1;
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
      this.tell(this.word(counts.bad ? 'failed' : 'done').replace('{}', counts.good).replace('{}', rows.length).replace('{}', this.time()));
    } catch (error) {
      this.tell(`${this.word('trouble')} ${error.message}`);
    } finally {
      this.button.disabled = false;
    }
  }

  time() { return new Intl.DateTimeFormat(document.documentElement.lang, { hour: '2-digit', minute: '2-digit' }).format(new Date()); }

  /** What is wrong with an entry; nothing where every check holds. */
  async problem(seq, trust) {
    let step = this.word('bytes');
    try {
      const bytes = new Uint8Array(await (await this.get(`/ledger/entries/${seq}`, 'application/json')).arrayBuffer());
      const entry = await readEntry(bytes);
      if (BigInt(entry.seq) !== seq) throw new Error(`${entry.seq} ≠ ${seq}`);
      step = this.word('signature');
      await signedBy(entry, trust);
      step = this.word('head');
      const receipt = await openReceipt(await (await this.get(`/ledger/proof/${seq}`, 'text/plain')).text(), trust.log);
      step = this.word('inclusion');
      if (receipt.index !== seq || !await leads(receipt, entry.leaf)) throw new Error(this.word('notIn'));
      return '';
    } catch (error) {
      return `${step}: ${error.message}.`;
    }
  }

  mark(row, why) {
    row.classList.toggle('broken', Boolean(why));
    const mark = row.querySelector('.check') ?? document.createElement('span');
    mark.className = `check ${why ? 'broken' : 'good'}`;
    mark.textContent = why ? `✖ ${why} ${this.word('tell')}` : `✔ ${this.word('checked').replace('{}', this.time())}`;
    (row.querySelector('.stamp') ?? row).append(mark);
  }
}

customElements.define('check-record', CheckRecord);
