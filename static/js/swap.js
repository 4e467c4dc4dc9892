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
