// What every page has: parts that swap, tables that become cards, times in the reader's own words, and the key for the search field.
// One file, so that a first visit asks for few.

// Replaces one part of a page by the same part of the page that a link or form leads to. Without this script the browser loads the whole page.
// And the one place where text becomes markup or the address of a script: everything else is stopped by the page's Trusted Types policy.
const own = (address) => {
  const url = new URL(address, location.href);
  if (url.origin !== location.origin) throw new TypeError(`not of this site: ${url.origin}`);
  return url.href;
};

const rules = { createHTML: (markup) => markup, createScriptURL: own };

/** For markup that this service itself sent, and scripts of this site. */
export const policy = globalThis.trustedTypes ? trustedTypes.createPolicy('app', rules) : rules;

const PATIENCE = 15_000;

/** A page that this service sent, to take parts from. */
export const parse = (markup) => new DOMParser().parseFromString(policy.createHTML(markup), 'text/html');

function complain(target, words, retry) {
  const line = document.createElement('p');
  line.className = 'notice bad';
  line.setAttribute('role', 'alert');
  line.append(`${words} `);
  const again = document.createElement('button');
  again.type = 'button';
  again.className = 'quiet';
  again.textContent = document.body.dataset.retry ?? 'Try again';
  again.addEventListener('click', () => { line.remove(); retry(); });
  line.append(again);
  target.prepend(line);
}

/** Loads `address` and puts its element `id` in place of ours. Resolves to whether it did; a page of another kind (signed out, an error) is gone to. */
export async function swap(id, address, options = {}) {
  const target = document.getElementById(id);
  if (!target) { location.assign(address); return false; }
  target.setAttribute('aria-busy', 'true');
  try {
    const answer = await fetch(address, { headers: { 'X-Fragment': id, Accept: 'text/html' }, signal: AbortSignal.timeout(PATIENCE), ...options });
    const page = parse(await answer.text());
    const fresh = page.getElementById(id);
    if (!fresh || new URL(answer.url).origin !== location.origin) { location.assign(answer.url); return false; }
    const focused = document.activeElement?.id;
    target.replaceWith(document.adoptNode(fresh));
    document.title = page.title || document.title;
    if (focused) document.getElementById(focused)?.focus();
    const said = fresh.dataset.announce;
    if (said) announce(said);
    return answer;
  } catch (error) {
    target.removeAttribute('aria-busy');
    complain(target, document.body.dataset.unreachable ?? 'The service cannot be reached.', () => swap(id, address, options));
    return false;
  }
}

/** Says something to people who listen to the page. */
export function announce(words) {
  const region = document.getElementById('said');
  if (region) region.textContent = words;
}

document.addEventListener('click', async (event) => {
  const link = event.target.closest?.('a[data-swap]');
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  if (await swap(link.dataset.swap, link.href)) history.pushState({ swap: link.dataset.swap }, '', link.href);
});

document.addEventListener('submit', async (event) => {
  const form = event.target;
  if (!form.dataset?.swap || event.defaultPrevented || form.method !== 'get') return;
  event.preventDefault();
  const address = new URL(form.action);
  const given = [...new FormData(form, event.submitter)].filter(([, value]) => value !== '');
  address.search = new URLSearchParams(given);
  if (await swap(form.dataset.swap, address.href)) history.pushState({ swap: form.dataset.swap }, '', address.href);
});

addEventListener('popstate', (event) => {
  if (event.state?.swap) swap(event.state.swap, location.href); else location.reload();
});


document.addEventListener('keydown', (event) => {
  const typing = event.target.closest?.('input, select, textarea, [contenteditable]');
  if (event.key !== '/' || typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('[data-scan]')) return;
  const search = document.querySelector('input[type="search"]');
  if (search) { event.preventDefault(); search.focus(); }
});

// Where it is narrow, rows of a table are cards (css): each cell is given its column's name, and what it is, which a cell laid out as a block would lose.
function name_cells(table) {
  const names = [...table.tHead?.rows[0]?.cells ?? []].map((cell) => cell.textContent.trim());
  if (!names.length || table.classList.contains('named')) return;
  table.classList.add('named');
  table.setAttribute('role', 'table');
  for (const group of table.querySelectorAll('thead, tbody')) group.setAttribute('role', 'rowgroup');
  for (const row of table.rows) {
    row.setAttribute('role', 'row');
    for (const [at, cell] of [...row.cells].entries()) {
      const heading = cell.localName === 'th';
      cell.setAttribute('role', heading ? (cell.closest('thead') ? 'columnheader' : 'rowheader') : 'cell');
      if (!heading) cell.dataset.label ??= names[at] ?? '';
    }
  }
}
const name_all = () => document.querySelectorAll('.scroll > table:not(.named)').forEach(name_cells);
name_all();
new MutationObserver(name_all).observe(document.body, { childList: true, subtree: true });

// <local-time><time datetime="…">23 Nov 2026, 10:31 UTC</time></local-time>: the same instant in the reader's zone and how long ago, beside what the server wrote.
const UNITS = [['year', 31_557_600], ['month', 2_629_800], ['day', 86_400], ['hour', 3_600], ['minute', 60]];

class LocalTime extends HTMLElement {
  connectedCallback() {
    const time = this.querySelector('time');
    const at = new Date(time?.dateTime ?? '');
    if (Number.isNaN(at.getTime())) return;
    const language = document.documentElement.lang;
    const seconds = (at - Date.now()) / 1000;
    const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ['minute', 60];
    const ago = new Intl.RelativeTimeFormat(language, { numeric: 'auto' }).format(Math.round(seconds / size), unit);
    const here = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' }).format(at);
    time.title = `${here} · ${ago}`;
    if (this.hasAttribute('relative')) {
      const small = this.querySelector('small') ?? this.appendChild(document.createElement('small'));
      small.textContent = ago;
    }
  }
}

customElements.define('local-time', LocalTime);

// <copy-button value="…"> offers to copy a digest or an address; without this script there is no button, and the text can be selected.

class CopyButton extends HTMLElement {
  connectedCallback() {
    if (!navigator.clipboard || this.firstElementChild) return;
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'quiet';
    button.textContent = this.getAttribute('label') ?? 'Copy';
    const done = this.getAttribute('done') ?? 'Copied';
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(this.getAttribute('value') ?? '');
      announce(done);
      button.textContent = done;
    });
    this.append(button);
  }
}

customElements.define('copy-button', CopyButton);

// <filter-form> around a GET form sends it when a choice changes; the button stays for everybody else.
class FilterForm extends HTMLElement {
  connectedCallback() {
    this.addEventListener('change', (event) => {
      if (event.target.matches('select, input[type="checkbox"], input[type="radio"], input[type="date"]')) event.target.form?.requestSubmit();
    });
  }
}

customElements.define('filter-form', FilterForm);
