// <verify-file>: checks a certificate in this browser and shows each check. Nothing is uploaded; without this script the form sends the file to the service.
// What reads and judges is fetched when somebody turns to the form.
import { say } from '../say.js';

const PATIENCE = 10_000;

const titles = () => ({
  credential_form: say('The certificate is well formed'),
  issuer: say('It is by the trusted issuer'),
  credential_signature: say('The issuer’s signature'),
  entry_signature: say('The ledger entry and its signature'),
  entry_names_credential: say('The ledger entry records this certificate'),
  log_signature: say('The log’s signature on its head'),
  inclusion: say('The entry is in the log'),
  status_snapshot: say('Not revoked when it was issued'),
  status_now: say('Not revoked now'),
  pages: say('The pages are those issued'),
});

const outcomes = () => ({ passed: ['ok', '✔', say('passed')], failed: ['bad', '✖', say('failed')], not_run: ['', '–', say('not run')] });

function element(name, attributes = {}, ...content) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...content);
  return made;
}

/** What all checks together say: `[tone, verdict, meaning]`, in the product's words. */
function verdict({ checks, verdict }) {
  const shows = say('This shows who stated what and when, and that it is unchanged. It does not show that the statement was true.');
  const failures = checks.filter(({ outcome }) => outcome === 'failed');
  if (verdict === 'authentic') return ['ok', say('AUTHENTIC · unchanged · not revoked'), shows];
  if (verdict === 'authentic_not_fully_checked') {
    return ['warn', say('AUTHENTIC · unchanged · not everything was checked'), `${shows} ${say('What was not checked is listed below, each with the reason.')}`];
  }
  if (verdict === 'unreadable') return ['warn', say('CANNOT BE READ'), say('This file is not a certificate as far as can be read.')];
  if (failures.every(({ check, revoked }) => ['status_now', 'status_snapshot'].includes(check) && revoked)) {
    return ['bad', say('GENUINE, BUT REVOKED'), say('The issuer has revoked or superseded it. Do not rely on it.')];
  }
  if (failures.every(({ check }) => check === 'pages')) {
    return ['bad', say('THE PAGES ARE NOT THOSE ISSUED'), say('The data attached to this PDF are genuine, its pages are not those that were issued with them. Do not rely on what the pages show.')];
  }
  const [first] = failures;
  return ['bad', say('NOT AUTHENTIC'), `${titles()[first.check] ?? say('Entry {}', first.seq)}: ${first.detail}. ${say('Do not rely on it.')}`];
}

function row(title, { outcome, detail }) {
  const [tone, mark, word] = outcomes()[outcome];
  const badge = element('span', { class: `badge ${tone}` }, element('span', { 'aria-hidden': 'true' }, mark), ` ${word}`);
  return element('tr', {}, element('th', { scope: 'row' }, title), element('td', { class: 'nowrap' }, badge), element('td', { class: 'break' }, detail));
}

function table(caption, rows) {
  const head = [say('Check'), say('Result'), say('What was seen, or why not')].map((words) => element('th', { scope: 'col' }, words));
  const made = element('table', {}, element('thead', {}, element('tr', {}, ...head)), element('tbody', {}, ...rows));
  return element('div', { class: 'scroll', role: 'region', 'aria-label': caption, tabindex: '0' }, made);
}

class VerifyFile extends HTMLElement {
  connectedCallback() {
    const form = this.querySelector('form');
    const input = this.querySelector('input[type="file"]');
    this.result = this.querySelector('[data-result]');
    form.addEventListener('submit', (event) => { event.preventDefault(); if (input.files[0]) this.check(input.files[0]); else input.focus(); });
    input.addEventListener('change', () => { if (input.files[0]) this.check(input.files[0]); });
    for (const name of ['pointerenter', 'focusin', 'dragenter']) form.addEventListener(name, () => this.ready(), { once: true });
    for (const [name, over] of [['dragover', true], ['dragleave', false], ['drop', false]]) {
      form.addEventListener(name, (event) => { event.preventDefault(); form.classList.toggle('over', over); });
    }
    form.addEventListener('drop', (event) => { if (event.dataTransfer.files[0]) this.check(event.dataTransfer.files[0]); });
    for (const part of this.querySelectorAll('[data-with-script]')) part.hidden = false;
    for (const part of this.querySelectorAll('[data-without-script]')) part.hidden = true;
  }

  async ready() {
    const { equal, sha256 } = await import('../proof/bytes.js');
    const { able, readDid } = await import('../proof/eddsa.js');
    const { readVkey } = await import('../proof/note.js');
    const { MAX_PDF_BYTES, Unreadable, open } = await import('./bundle.js');
    const { judge } = await import('./judge.js');
    return { equal, sha256, able, readDid, readVkey, MAX_PDF_BYTES, Unreadable, open, judge };
  }

  async check(file) {
    const began = performance.now();
    this.result.setAttribute('aria-busy', 'true');
    let shown;
    try { shown = await this.judged(file, await this.ready()); } catch (error) {
      const unreadable = error.altered !== undefined;
      const altered = unreadable && error.altered;
      const words = unreadable ? error.message : `${error.name}: ${error.message}`;
      shown = { lines: altered ? ['bad', say('ALTERED'), `${words}.`] : ['warn', say('CANNOT BE READ'), `${words}.`], checks: [], certificate: null };
    }
    this.show(file, shown, performance.now() - began);
    this.result.removeAttribute('aria-busy');
  }

  async judged(file, { able, judge, open, readDid, readVkey, MAX_PDF_BYTES, Unreadable }) {
    if (file.size > MAX_PDF_BYTES) throw new Unreadable(say('the file is larger than 32 MB'));
    if (!await able()) throw new Unreadable(say('this browser cannot check Ed25519 signatures (Chrome and Edge 137, Firefox 129, Safari 17 can). Use a newer one, or the command below'));
    const bundle = await open(new Uint8Array(await file.arrayBuffer()));
    const trust = { did: readDid(JSON.parse(this.dataset.did)), log: await readVkey(this.dataset.log) };
    const fetched = await this.fetched(this.dataset.status);
    const report = await judge(bundle, trust, fetched, (pdf) => this.pages(pdf, numberOf(bundle)));
    for (const check of report.checks) check.revoked = check.detail.startsWith(say('revoked or superseded, as of {}', ''));
    return { ...report, lines: verdict(report) };
  }

  /** The bytes at an address of the service, or null where it cannot be reached. */
  async fetched(address) {
    try {
      const answer = await fetch(address, { cache: 'no-store', credentials: 'omit', signal: AbortSignal.timeout(PATIENCE) });
      return answer.ok ? new Uint8Array(await answer.arrayBuffer()) : null;
    } catch { return null; }
  }

  /** Whether this file is byte for byte the one that the service issued, which draws the pages from the signed parts alone. */
  async pages(pdf, number) {
    const offline = (words) => Object.assign(new Error(words), { offline: true });
    if (!this.dataset.certificates) throw offline(say('this page does not fetch the pages to compare them; believe the data below, not the pages'));
    const issued = number ? await this.fetched(`${this.dataset.certificates}${number}.pdf`) : null;
    if (!issued) throw offline(say('the service that issued the pages cannot be reached; believe the data below, not the pages'));
    const { equal, sha256 } = await this.ready();
    const [mine, its] = [await sha256(pdf), await sha256(issued)];
    if (!equal(mine, its)) throw new Error(say('this file is not the one that the service issued'));
    return say('this file is byte for byte the one that the service issued');
  }

  show(file, { lines: [tone, words, meaning], checks, certificate }, took) {
    const at = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: 'medium', timeStyle: 'medium' }).format(new Date());
    const heading = element('h2', { tabindex: '-1' }, words);
    const parts = [
      element('div', { class: `verdict ${tone}`, role: 'status' }, heading, element('p', {}, meaning)),
      element('p', { class: 'hint' }, say('{}: checked in this browser on {}, in {} ms. Nothing was uploaded.', file.name, at, Math.max(1, Math.round(took)))),
    ];
    const believed = certificate && tone !== 'bad' || checks.some(({ revoked }) => revoked);
    if (believed && certificate) {
      const fact = (term, value) => element('div', {}, element('dt', {}, term), element('dd', {}, value));
      parts.push(element('dl', { class: 'facts' }, fact(say('Certificate'), certificate.name), fact(say('Issued by'), certificate.issuerName ?? certificate.issuer), fact(say('Issued at'), certificate.validFrom)));
    }
    const [cited, own] = [checks.filter(({ check }) => check === 'cited_entry'), checks.filter(({ check }) => check !== 'cited_entry')];
    if (own.length) parts.push(element('h3', {}, say('Each check')), table(say('Each check'), own.map((one) => row(titles()[one.check] ?? one.check, one))));
    if (cited.length) {
      const passed = cited.filter(({ outcome }) => outcome === 'passed').length;
      const details = element('details', {}, element('summary', {}, say('The {} ledger entries that it cites: {} passed', cited.length, passed)));
      details.open = cited.some(({ outcome }) => outcome === 'failed');
      details.append(table(say('The entries that it cites'), cited.map((one) => row(say('Entry {}', one.seq), one))));
      parts.push(details);
    }
    this.result.replaceChildren(...parts);
    heading.focus();
  }
}

/** The number in the name of the credential: where the service keeps its pages. */
function numberOf(bundle) {
  try {
    const { id } = JSON.parse(new TextDecoder().decode(bundle.parts.get('certificate.vc.json')));
    return /\/certificates\/([A-Z0-9-]{4,64})$/.exec(id)?.[1];
  } catch { return undefined; }
}

customElements.define('verify-file', VerifyFile);
