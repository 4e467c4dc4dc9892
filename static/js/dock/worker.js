// The service worker of the dock: the scan page opens without a network too. It keeps files that anyone may have and a page that knows nobody.
const KEPT = `quittance-dock ${TOLD.version}`;
const SHELL = `${TOLD.base}/dock`;
const PATIENCE = 4_000;

self.addEventListener('install', (event) => {
  event.waitUntil((async () => {
    const cache = await caches.open(KEPT);
    await cache.addAll([SHELL, ...TOLD.files]);
    await self.skipWaiting();
  })());
});

self.addEventListener('activate', (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name.startsWith('quittance-dock ') && name !== KEPT) await caches.delete(name);
    await self.clients.claim();
  })());
});

const isScan = (url) => url.pathname.startsWith(`${TOLD.base}/consignments/`) && url.pathname.endsWith('/scan');

async function page(request) {
  try {
    return await fetch(request, { signal: AbortSignal.timeout(PATIENCE) });
  } catch {
    const shell = await caches.match(SHELL);
    return shell ?? Response.error();
  }
}

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== self.location.origin) return;
  if (request.mode === 'navigate') {
    if (isScan(url)) event.respondWith(page(request));
    return;
  }
  // The digest of all files stands in their address: what is kept is what would be sent.
  if (url.pathname.startsWith(`${TOLD.base}/static/`)) event.respondWith(caches.match(request).then((kept) => kept ?? fetch(request)));
});
