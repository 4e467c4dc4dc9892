// The one place where text becomes markup or the address of a script: everything else is stopped by the page's Trusted Types policy.
const own = (address) => {
  const url = new URL(address, location.href);
  if (url.origin !== location.origin) throw new TypeError(`not of this site: ${url.origin}`);
  return url.href;
};

const rules = { createHTML: (markup) => markup, createScriptURL: own };

/** For markup that this service itself sent, and scripts of this site. */
export const policy = globalThis.trustedTypes ? trustedTypes.createPolicy('app', rules) : rules;
