// Scans that are kept on the device until the service has answered each: what was scanned is never lost, and recorded once.
const NAME = 'quittance-dock';
const STORE = 'scans';
const BATCH = 100;
const EVERY = 5_000;
const PATIENCE = 15_000;

let opened;
let db;

function open() {
  if (db) return db;
  opened ??= new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => {
      const store = asked.result.createObjectStore(STORE, { keyPath: 'place', autoIncrement: true });
      store.createIndex('address', 'address');
    };
    asked.onsuccess = () => {
      // A newer page of this service, in another tab, may change the store.
      asked.result.onversionchange = () => { asked.result.close(); opened = db = undefined; };
      asked.result.onclose = () => { opened = db = undefined; };
      db = asked.result;
      resolve(db);
    };
    asked.onerror = () => { opened = undefined; reject(asked.error); };
  });
  return opened;
}

/** Does work in one transaction; resolves to what `work` asked for when that is on the disk. */
async function within(mode, work) {
  // Where the store is open, all of it is handed over at once: it goes through even when the page is left in the same moment.
  const there = db ?? await open();
  return new Promise((resolve, reject) => {
    const transaction = there.transaction(STORE, mode, { durability: 'strict' });
    const asked = work(transaction.objectStore(STORE));
    transaction.oncomplete = () => resolve(asked?.result);
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
    transaction.commit?.();
  });
}

/** Keeps a scan for `address`. It has an id of its own for ever, so that it can be sent again; resolves when it is on the disk. */
export const keep = (address, scan) => within('readwrite', (store) => store.add({ address, scan }));

/** What is kept for `address`, in the order of scanning. */
export const kept = (address) => within('readonly', (store) => store.index('address').getAll(address));

/** How many are kept for `address`. */
export const count = (address) => within('readonly', (store) => store.index('address').count(address));

const forget = (places) => within('readwrite', (store) => { places.forEach((place) => store.delete(place)); });

/** Where this browser keeps nothing, rejects. */
export async function ready() {
  await within('readonly', (store) => store.count());
  navigator.storage?.persist?.().catch(() => {});
}

/**
 * Sends what is kept for `address`, one tab at a time and in order. `told` gets each answer; what is not answered stays.
 * Resolves to 'sent', 'busy' (another tab sends), 'offline', 'signed-out' or 'refused'.
 */
export async function flush(address, told) {
  return navigator.locks.request(`quittance-dock ${address}`, { ifAvailable: true }, async (lock) => {
    if (!lock) return 'busy';
    for (;;) {
      const next = (await kept(address)).slice(0, BATCH);
      if (next.length === 0) return 'sent';
      if (navigator.onLine === false) return 'offline';
      let answer;
      let results;
      try {
        answer = await fetch(address, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
          body: JSON.stringify({ items: next.map((one) => one.scan) }),
          credentials: 'same-origin',
          signal: AbortSignal.timeout(PATIENCE),
        });
        if (answer.ok) results = await answer.json();
      } catch {
        return 'offline';
      }
      if (answer.status === 401) return 'signed-out';
      if (answer.status >= 500 || answer.status === 429 || answer.status === 408) return 'offline';
      if (!results) return 'refused';
      const answered = new Set(results.results.map((result) => result.id));
      const done = next.filter((one) => answered.has(one.scan.id));
      await forget(done.map((one) => one.place));
      told(results, next);
      // The service was too busy for some of them.
      if (done.length < next.length) return 'offline';
    }
  });
}

/** Calls `send` when something can have changed: now, when the network is back, and every five seconds. */
export function often(send) {
  addEventListener('online', send);
  document.addEventListener('visibilitychange', () => { if (!document.hidden) send(); });
  const timer = setInterval(send, EVERY);
  send();
  return () => { removeEventListener('online', send); clearInterval(timer); };
}
