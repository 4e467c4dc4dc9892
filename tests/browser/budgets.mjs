// How much each page sends and asks for: compressed bytes of its HTML, style and script, and requests at the first visit and at the next.
import { request } from "node:http";
import { browser, district, enter, play, visitor } from "./stage.mjs";
import { visits } from "./visits.mjs";

/// Compressed bytes and counts of requests, by kind of page. A kilobyte is 1,024 bytes.
const KINDS = {
  page: { html: 10, script: 6, first: 5 },
  list: { html: 14, script: 7, first: 5 },
  scan: { html: 10, script: 9, first: 7 },
  verify: { html: 10, script: 10, first: 7 },
  report: { html: 25, script: 6, first: 6 },
};
/// Shared by all pages, and kept by the browser.
const STYLE = 14;
/// What a page asks for when the browser has been there before: itself.
const REPEAT = 1;

function kind(route) {
  if (route === "/assets") return "list";
  if (route === "/verify") return "verify";
  if (route.startsWith("/reports/")) return "report";
  return /\/(scan|receive)$|^\/dock/.test(route) ? "scan" : "page";
}

/// Bytes of the body as they travel to a browser that understands brotli.
function wire(url, path, cookie) {
  return new Promise((done, failed) => {
    const headers = { accept: "text/html,*/*;q=0.8", "accept-encoding": "br, gzip", ...(cookie ? { cookie } : {}) };
    const asked = request(new URL(path, url), { headers }, (answer) => {
      let bytes = 0;
      answer.on("data", (chunk) => (bytes += chunk.length));
      answer.on("end", () => done({ bytes, encoding: answer.headers["content-encoding"] ?? "none" }));
    });
    asked.on("error", failed);
    asked.end();
  });
}

/// Paths that a page fetches over the network, without what the browser has kept. It returns when all that was asked for has come, the icon too where
/// the page is new to the browser: what a next visit would break off is not kept, and is asked for again.
async function fetched(page, path, known) {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  const asked = new Map();
  const coming = new Set();
  const came = new Set();
  session.on("Network.requestWillBeSent", ({ requestId, request, type }) => {
    if (!/^https?:/.test(request.url) || type === "EventSource") return;
    asked.set(requestId, request.url);
    coming.add(requestId);
  });
  session.on("Network.requestServedFromCache", ({ requestId }) => asked.delete(requestId));
  session.on("Network.responseReceived", ({ requestId, response }) => (response.fromDiskCache || response.fromServiceWorker) && asked.delete(requestId));
  session.on("Network.loadingFinished", ({ requestId }) => {
    coming.delete(requestId);
    came.add(asked.get(requestId));
  });
  session.on("Network.loadingFailed", ({ requestId }) => coming.delete(requestId));
  await page.goto(path, { waitUntil: "load" });
  const icon = known ? undefined : await page.evaluate(() => document.querySelector("link[rel~=icon]")?.href);
  // A service worker, a stream of events and the icon come after loading.
  for (let quiet = 0, waited = 0; quiet < 150; waited += 25) {
    if (waited > 30_000) throw new Error(`${path}: not all has come after 30 s: ${[...coming].map((id) => asked.get(id)).join(" ")} ${icon ?? ""}`);
    await page.waitForTimeout(25);
    quiet = coming.size || (icon && !came.has(icon)) ? 0 : quiet + 25;
  }
  await session.detach();
  return [...asked.values()].map((url) => new URL(url).pathname);
}

await play({
  "bytes and requests": async () => {
    const stage = await district();
    const pages = (await visits(stage)).filter((one) => one.status === 200);
    const started = await browser();
    const wrong = [];
    const rows = [];
    const states = {};
    for (const who of new Set(pages.map((one) => one.who))) {
      const page = await visitor(started, stage);
      if (who !== "nobody") await enter(page, stage, stage.people[who]);
      states[who] = await page.context().storageState();
      await page.context().close();
    }
    for (const { route, name, who, path } of pages) {
      // Signed in, and with nothing kept yet.
      const fresh = await visitor(started, stage, { storageState: states[who] });
      const cookie = states[who].cookies.map((one) => `${one.name}=${one.value}`).join("; ");
      const first = await fetched(fresh, path, false);
      const repeat = await fetched(fresh, path, true);
      const sum = async (kind) => {
        let bytes = 0;
        for (const one of new Set(first.filter((path) => path.endsWith(kind)))) {
          const sent = await wire(stage.url, one);
          if (sent.encoding !== "br") wrong.push(`${one} travels uncompressed`);
          bytes += sent.bytes;
        }
        return bytes / 1024;
      };
      const html = await wire(stage.url, path, cookie);
      // Some only lead on, and send nothing.
      if (html.bytes && html.encoding !== "br") wrong.push(`${name} travels uncompressed`);
      const found = { html: html.bytes / 1024, style: await sum(".css"), script: await sum(".js"), first: first.length, repeat: repeat.length };
      const may = { style: STYLE, repeat: REPEAT, ...KINDS[kind(route)] };
      rows.push(`${name.padEnd(32)} ${["html", "style", "script"].map((part) => `${part} ${found[part].toFixed(1).padStart(5)}/${may[part]}`).join("  ")}  requests ${found.first}/${may.first}, then ${found.repeat}`);
      for (const [part, most] of Object.entries(may)) if (found[part] > most) wrong.push(`${name} (${path}): ${part} ${found[part].toFixed(1)}, at most ${most}${part === "first" ? `: ${first.join(" ")}` : part === "repeat" ? `: ${repeat.join(" ")}` : ""}`);
      await fresh.context().close();
    }
    console.log(rows.join("\n"));
    if (wrong.length) throw new Error(`${wrong.length} things are too large:\n  ${wrong.join("\n  ")}`);
    return `${pages.length} pages`;
  },
});
