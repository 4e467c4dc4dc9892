// The dock: a keyboard wedge that types as fast as scanners do, a pallet from devices in service to its release, and a dock without a network.
import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import { devices, opened, parties, read } from "./pallet.mjs";
import { browser, district, enter, play, sign_in, until, visitor } from "./stage.mjs";

/// Scans in a row at each speed, and by how many people at once where a speed would take minutes.
// How many is a matter of time: .ci/long sets 500 and 300.
const SCANS = Number(process.env.QUITTANCE_TEST_SCANS ?? 60);
const SPEEDS = [
  { delay: 0, people: 1 },
  { delay: 10, people: 1 },
  { delay: 80, people: 5 },
];
const PALLET = Number(process.env.QUITTANCE_TEST_PALLET ?? 42);
const CONTAINERS = 3;
const OFFLINE = 200;
const LOST_REPLIES = 3;

/// Where a scanner types.
const field = (page) => page.locator("input[name=code]");

/// The page with its script at work and the focus in the field, without a click.
async function ready(page) {
  await page.locator("scan-box[data-ready]").waitFor();
  assert.ok(await field(page).evaluate((one) => one === document.activeElement), "the field has the focus without a click");
}

/// An id as addresses of pages have it.
const bare = (id) => id.replace("urn:uuid:", "");

/// A scanner: types a code and Enter into whatever has the focus.
async function scan(page, code, delay) {
  await page.keyboard.type(code, { delay });
  await page.keyboard.press("Enter");
}

const consignment = async (stage, id) => (await read(stage, "auditor", `/api/v1/consignments/${id}?limit=200`)).consignment;

/// Everything on a pallet, by tag.
async function lines(stage, id) {
  const tags = [];
  for (let after = ""; after !== null; ) {
    const page = await read(stage, "auditor", `/api/v1/consignments/${id}?limit=200${after && `&lines_after=${encodeURIComponent(after)}`}`);
    tags.push(...page.lines.map((line) => line.name ?? line.tag));
    after = page.lines_next ?? null;
  }
  return tags.sort();
}

/// Nothing lost, nothing doubled: these devices are on the pallet and no others, each put there by one entry.
async function exactly(stage, id, expected) {
  const found = await until(`${expected.length} lines`, async () => {
    const now = await consignment(stage, id);
    return now.lines >= expected.length && now.lines;
  }, 60);
  assert.equal(found, expected.length);
  assert.deepEqual(await lines(stage, id), expected.map((device) => device.tag).sort());
}

async function at_the_dock(stage, started, id, settings = {}) {
  const page = await visitor(started, stage, settings);
  await enter(page, stage, stage.people.coordinator);
  await page.goto(`/consignments/${bare(id)}/scan`);
  await ready(page);
  return page;
}

const parts = {};
for (const { delay, people } of SPEEDS) {
  parts[`${SCANS} scans at ${delay} ms a key`] = async () => {
    const stage = await district();
    const started = await browser();
    const pallet = await opened(stage, `P-WEDGE-${delay}`);
    const loaded = await devices(stage, `W${delay}`, SCANS);
    const shares = Array.from({ length: people }, (_, at) => loaded.filter((_, number) => number % people === at));
    const began = Date.now();
    const faults = await Promise.all(
      shares.map(async (share) => {
        const page = await at_the_dock(stage, started, pallet.id);
        for (const device of share) await scan(page, device.tag, delay);
        await until("an empty field", async () => (await field(page).inputValue()) === "");
        return page.faults;
      }),
    );
    const typed = (Date.now() - began) / 1000;
    await exactly(stage, pallet.id, loaded);
    assert.deepEqual(faults.flat(), []);
    await stage.end();
    return `none lost, none doubled, ${((SCANS / typed) * 60).toFixed(0)} a minute by ${people} ${people === 1 ? "person" : "people"}`;
  };
}

parts[`${PALLET} devices in service to a released, sealed pallet`] = async () => {
  const stage = await district();
  const started = await browser();
  const loaded = await devices(stage, "PU", PALLET);
  const { own, vendor } = await parties(stage);
  const page = await visitor(started, stage);
  const counted = { scans: 0, clicks: 0, fields: 0 };
  const click = async (what) => ((counted.clicks += 1), what.click());
  const fill = async (what, text) => ((counted.fields += 1), what.fill(text));
  const choose = async (label, option) => ((counted.fields += 1), page.getByLabel(label).selectOption(option));
  await sign_in(page, stage.people.coordinator, "/consignments/new");
  await fill(page.getByLabel("Reference", { exact: true }), "PU-300");
  await choose("It leaves from", own.sites[0]);
  await click(page.getByRole("radio", { name: `${vendor.name}, ${vendor.sites[0]}` }));
  await fill(page.getByLabel("Carrier"), "Great Plains Freight");
  await fill(page.getByLabel("How many things you expect"), String(PALLET));
  await choose("Retire what is still in use", "end_of_support");
  await choose("Where nobody recorded the storage", "emmc");
  await choose("What is to be done with what nobody evaluated", "recycling");
  await choose("Why nothing better is done with it", "uneconomic");
  await click(page.getByRole("button", { name: "Open it and go on to scanning" }));
  await ready(page);
  const [, , id] = new URL(page.url()).pathname.split("/");
  // The one thing that somebody else does: an approver authorises the whole pickup, on the same page.
  const other = await visitor(started, stage);
  await sign_in(other, stage.people.approver, `/consignments/${bare(id)}/scan`);
  await fill(other.getByLabel(/reference/i).first(), "BOARD-2026-41");
  await click(other.getByRole("button", { name: /authorise/i }));
  await until("the authorisation", async () => (await consignment(stage, id)).authorization);
  for (const [at, device] of loaded.entries()) {
    if (at % (PALLET / CONTAINERS) === 0) {
      // Another pallet: its label is typed once, by scanner or by hand, and Tab leads on to the codes.
      await fill(page.getByLabel("Container, until changed"), `PALLET-${at / (PALLET / CONTAINERS) + 1}`);
      await field(page).focus();
    }
    await scan(page, device.tag, 10);
    counted.scans += 1;
  }
  await exactly(stage, id, loaded);
  await page.goto(`/consignments/${bare(id)}/handoff`);
  for (let at = 0; at < CONTAINERS; at += 1) {
    await fill(page.getByLabel("Number on the seal").nth(at), `00487${at}`);
    await fill(page.getByLabel("Gross weight in kg").nth(at), "151.5");
  }
  await click(page.getByRole("button", { name: "Close the list and seal" }));
  await click(page.getByRole("button", { name: "Release it" }));
  await until("the release", async () => (await consignment(stage, id)).status === "released");
  assert.deepEqual([...page.faults, ...other.faults], []);
  await stage.end();
  return `${counted.scans} scans, ${counted.clicks} clicks, ${counted.fields} fields filled in`;
};

/// Stands between a browser and the service. While `lose` is above nought, what the service answered to a batch of scans never arrives.
async function lossy(stage) {
  const line = { lose: 0, lost: 0, batches: 0 };
  const { hostname, port } = new URL(stage.url);
  const server = createServer((asked, answer) => {
    const on = request({ hostname, port, path: asked.url, method: asked.method, headers: asked.headers }, (came) => {
      const batch = asked.method === "POST" && asked.url.endsWith("/scans");
      if (batch) line.batches += 1;
      if (came.headers["content-type"]?.startsWith("text/event-stream")) {
        answer.writeHead(came.statusCode, came.rawHeaders);
        came.pipe(answer);
        asked.on("close", () => on.destroy());
        return;
      }
      const chunks = [];
      came.on("data", (chunk) => chunks.push(chunk));
      came.on("end", () => {
        if (batch && line.lose > 0) {
          line.lose -= 1;
          line.lost += 1;
          return answer.destroy();
        }
        answer.writeHead(came.statusCode, came.rawHeaders);
        answer.end(Buffer.concat(chunks));
      });
      came.on("error", () => answer.destroy());
    });
    on.on("error", () => answer.destroy());
    asked.pipe(on);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  line.url = `http://127.0.0.1:${server.address().port}`;
  line.close = () => server.close();
  return line;
}

parts[`${OFFLINE} scans without a network, a reload and ${LOST_REPLIES} lost replies`] = async () => {
  const stage = await district();
  const started = await browser();
  const pallet = await opened(stage, "P-OFFLINE");
  const loaded = await devices(stage, "OFF", OFFLINE);
  const line = await lossy(stage);
  const page = await at_the_dock({ ...stage, url: line.url }, started, pallet.id);
  // The page may be loaded without a network once its service worker has it.
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => true));
  await page.reload();
  await ready(page);
  await page.context().setOffline(true);
  for (const device of loaded.slice(0, OFFLINE / 2)) await scan(page, device.tag, 0);
  await page.reload();
  await ready(page);
  for (const device of loaded.slice(OFFLINE / 2)) await scan(page, device.tag, 0);
  await page.locator("[data-count=device]", { hasText: String(OFFLINE) }).waitFor();
  assert.equal((await consignment(stage, pallet.id)).lines, 0);
  line.lose = LOST_REPLIES;
  await page.context().setOffline(false);
  await exactly(stage, pallet.id, loaded);
  await until("three replies lost and one come", async () => line.lost === LOST_REPLIES && line.batches > LOST_REPLIES, 60);
  await page.waitForTimeout(1000);
  await exactly(stage, pallet.id, loaded);
  line.close();
  await stage.end();
  return `exactly ${OFFLINE}, in ${line.batches} batches`;
};

await play(parts);
