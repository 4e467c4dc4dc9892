// Each role's way from signing in to what it came for, with JavaScript and without: every step is a link or a form that works by itself.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { link, parties, read, released } from "./pallet.mjs";
import { browser, district, first_day, play, sign_in, visitor } from "./stage.mjs";

/// The first heading of the page.
const heading = (page) => page.locator("h1").innerText();

/// Follows a link of the main navigation.
async function go(page, name) {
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name }).first().click();
}

const journeys = {
  /// Anyone, with a paper in the hand.
  async public(page, stage) {
    const { number, tag } = stage.story.certificates.find((one) => !one.revoked);
    await page.goto("/verify");
    await page.getByLabel("Number on the certificate").fill(` ${number.toLowerCase()} `);
    await page.getByRole("button", { name: "Look it up" }).click();
    await page.waitForURL(`**/certificates/${number}`);
    assert.match(await page.locator("main").innerText(), new RegExp(tag));
    const answer = await page.request.get(`/certificates/${number}.pdf`);
    assert.equal(answer.headers()["content-type"], "application/pdf");
    await page.goto("/verify");
    await page.locator("input[type=file]").setInputFiles({ name: "paper.pdf", mimeType: "application/pdf", buffer: await answer.body() });
    const button = page.locator("form:has(input[type=file]) button");
    if (await button.isVisible()) await button.click();
    await page.locator(".verdict", { hasText: /^\s*AUTHENTIC/i }).waitFor();
    assert.deepEqual(await page.context().cookies(), []);
  },

  async coordinator(page, stage) {
    await sign_in(page, stage.people.coordinator);
    const find = page.getByRole("searchbox", { name: "Tag, serial number" });
    await find.fill(stage.story.held);
    await find.press("Enter");
    await page.waitForURL("**/assets/*");
    assert.equal(await heading(page), stage.story.held);
    await go(page, "Consignments");
    await page.getByRole("link", { name: "NP-PICKUP-002", exact: true }).click();
    assert.equal(await heading(page), "NP-PICKUP-002");

    const open = (await read(stage, "coordinator", "/api/v1/exceptions?status=open&limit=100")).exceptions;
    const mine = open.find((one) => one.severity !== "critical");
    await go(page, "Exceptions");
    await page.goto(`/exceptions/${mine.address.split("/").pop()}`);
    await page.getByLabel("Who has it in hand").selectOption({ label: `${stage.people.coordinator.name}, ${stage.people.coordinator.title}` });
    await page.getByRole("button", { name: "Assign" }).click();
    await page.locator("dd", { hasText: stage.people.coordinator.name }).first().waitFor();
    await page.getByRole("button", { name: "Let it wait" }).click();
    await page.locator("dt", { hasText: "Waits until" }).waitFor();
    const now = await read(stage, "coordinator", mine.address);
    assert.ok((now.exception ?? now).owner && (now.exception ?? now).snoozed, JSON.stringify(now));

    await page.getByRole("button", { name: "Sign out" }).click();
    await page.goto("/assets");
    assert.match(page.url(), /\/sign-in\?next=/);
  },

  async approver(page, stage) {
    await sign_in(page, stage.people.approver, "/exceptions");
    assert.equal(await heading(page), "Exceptions");
    const critical = page.locator("tr", { hasText: "critical" }).first();
    await critical.getByRole("link").first().click();
    const path = new URL(page.url()).pathname;
    const form = page.locator("form", { has: page.getByRole("heading", { name: "Resolve" }) });
    await form.getByLabel("Reference").fill("CASE-2026-17");
    await form.getByRole("button", { name: "Resolve" }).click();
    await page.locator("dt", { hasText: "Resolved" }).waitFor();
    assert.match(await page.locator("main").innerText(), /CASE-2026-17/);
    const now = await read(stage, "approver", `/api/v1${path}`);
    assert.equal((now.exception ?? now).status, "resolved");
  },

  async auditor(page, stage) {
    await sign_in(page, stage.people.auditor);
    await go(page, "Certificates");
    const number = await page.locator("tbody tr").first().getByRole("link").first().innerText();
    await page.getByRole("link", { name: number, exact: true }).click();
    await page.waitForURL(`**/certificates/${number}`);
    const parts = page.locator("main li a[href*='certificates/']");
    assert.ok((await parts.count()) >= 4);
    for (const part of await parts.all()) {
      assert.equal((await page.request.get(await part.getAttribute("href"))).status(), 200);
    }
    // Reads everything and changes nothing.
    const open = (await read(stage, "auditor", "/api/v1/exceptions?status=open&limit=1")).exceptions[0];
    await page.goto(`/exceptions/${open.address.split("/").pop()}`);
    assert.equal(await page.locator("main form").count(), 0);
    const entry = page.locator(".timeline a", { hasText: "entry" }).first();
    const answer = await page.request.get(await entry.getAttribute("href"));
    assert.equal(answer.status(), 200);
  },

  async reports(page, stage) {
    await sign_in(page, stage.people.reports);
    await go(page, "Reports");
    await page.locator("main a[href$='/reports/mass-balance']").click();
    await page.getByRole("textbox", { name: "School" }).fill("Lincoln Elementary");
    await page.getByRole("button", { name: "Show" }).click();
    await page.waitForURL("**/reports/mass-balance?*Lincoln*");
    const csv = await page.request.get(await page.getByRole("link", { name: "This table as CSV" }).first().getAttribute("href"));
    assert.match(csv.headers()["content-type"], /text\/csv/);
  },

  async administrator(page, stage) {
    await sign_in(page, stage.people.administrator);
    // Invites somebody, who follows the link, sets a password and is in.
    await page.goto("/people");
    const name = `Ines ${page.mode}`;
    const form = page.locator("form#invite");
    await form.getByLabel("Name, as certificates show it").fill(name);
    await form.getByLabel("E-mail address").fill(`ines.${page.mode.toLowerCase()}@example.org`);
    await form.getByLabel("Role", { exact: true }).selectOption("auditor");
    await form.getByRole("button", { name: "Invite" }).click();
    const invitation = new URL(await page.locator("code", { hasText: "/invitations/" }).innerText());
    const other = await page.context().browser().newContext({ baseURL: stage.url, javaScriptEnabled: page.mode === "JS" });
    const guest = await other.newPage();
    await guest.goto(invitation.pathname);
    await guest.getByLabel("Password", { exact: true }).fill("seven quiet harbour stones");
    await guest.getByLabel("The same password again").fill("seven quiet harbour stones");
    await guest.getByRole("button", { name: "Set the password and sign in" }).click();
    await guest.getByRole("button", { name: "Sign out", exact: true }).waitFor();
    assert.match(await guest.locator("header").innerText(), new RegExp(name));
    await other.close();
    await go(page, "Vendors");
    await page.getByRole("link", { name: stage.people.operator.party, exact: true }).click();
    assert.equal(await heading(page), stage.people.operator.party);
    assert.match(await page.locator("main").innerText(), /R2v3/);
  },

  /// A vendor's technician sees what the own company has or had, and nothing else.
  async operator(page, stage) {
    await sign_in(page, stage.people.operator);
    await go(page, "Consignments");
    await page.getByRole("link", { name: "NP-PICKUP-001", exact: true }).click();
    assert.equal(await heading(page), "NP-PICKUP-001");
    const foreign = (await read(stage, "stranger", "/api/v1/consignments?limit=50")).consignments.find((one) => one.reference === "NP-PICKUP-002");
    const answer = await page.goto(`/consignments/${foreign.id}`);
    assert.equal(answer.status(), 404);
    page.faults.length = 0;
  },

  async verifier(page, stage) {
    await sign_in(page, stage.people.verifier);
    await go(page, "Devices");
    await page.locator("tbody tr").first().getByRole("link").click();
    assert.match(await heading(page), /^NP-/);
  },

  /// A vendor's person without an account, with a one-time link.
  async "by a one-time link"(page, stage) {
    const pallet = await released(stage, `P-LINK-${page.mode}`, 3);
    const path = await link(stage, pallet.id);
    await page.goto(path);
    assert.equal(await heading(page), pallet.reference);
    await page.getByLabel("Its seal is").selectOption("intact");
    await page.getByLabel("Gross weight in kg").fill("61.5");
    const [first, second] = pallet.devices;
    await page.getByLabel("Every thing that you counted").fill(`${first.tag}, ${first.serial}\n${second.serial}\n`);
    await page.getByRole("button", { name: "Sign for this receipt" }).click();
    await page.getByRole("status").filter({ hasText: "Recorded" }).waitFor();
    await page.locator("input[type=file]").setInputFiles({ name: "seal.jpg", mimeType: "image/jpeg", buffer: Buffer.from("photograph of a seal") });
    await page.getByRole("button", { name: "Send the file" }).click();
    await page.locator("dt", { hasText: "Files sent" }).locator("..").filter({ hasText: "1" }).waitFor();
    const { vendor } = await parties(stage);
    const shown = await read(stage, "auditor", `/api/v1/consignments/${pallet.id}`);
    assert.equal(shown.consignment.status, "received");
    assert.equal(shown.consignment.scanned, 2);
    assert.equal(shown.consignment.received.party, vendor.id);
    assert.equal(shown.discrepancies.filter((one) => one.kind === "short").length, 1);
  },
};

/// The six digits that an app shows for a key now (RFC 6238: SHA-1, 30 seconds).
function totp(key) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...key].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const secret = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const digest = createHmac("sha1", secret).update(counter).digest();
  const at = digest.at(-1) & 15;
  return String((digest.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

/// From an empty record to an administrator who is in: the code that the server has printed, a password, a second factor, recovery codes.
async function first_administrator(page, stage) {
  const [, code] = /with this code:\s+(\S+)/.exec(stage.said());
  await page.goto("/setup");
  await page.getByLabel("The code that the server has printed").fill(code);
  await page.getByLabel("Your name, as certificates show it").fill("Fiona First");
  await page.getByLabel("E-mail address").fill("fiona@elm-valley.example");
  await page.getByLabel("Password", { exact: true }).fill("seven quiet harbour stones");
  await page.getByLabel("The same password again").fill("seven quiet harbour stones");
  await page.getByRole("button", { name: "Become the first administrator" }).click();
  await page.waitForURL(/\/account\/factor/);
  const key = (await page.locator("p", { hasText: "Key:" }).locator("code").innerText()).replaceAll(/\s/g, "");
  await page.getByLabel("The six digits").fill(totp(key));
  await page.getByRole("button", { name: "Use this app from now on" }).click();
  await page.getByRole("heading", { name: "Your recovery codes" }).waitFor();
  const recovery = await page.locator(".codes li").first().innerText();
  await page.getByRole("link", { name: "I have kept them" }).click();
  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  // Nobody else becomes the first.
  assert.equal((await page.goto("/setup")).status(), 404);
  // In again, with a recovery code in place of the app.
  await page.goto("/sign-in");
  await page.getByLabel("E-mail address").fill("fiona@elm-valley.example");
  await page.getByLabel("Password").fill("seven quiet harbour stones");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByLabel("The six digits").fill(recovery);
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByRole("button", { name: "Sign out", exact: true }).waitFor();
  await page.goto("/people");
  assert.match(await page.locator("main").innerText(), /Fiona First/);
}

const parts = {};
for (const mode of ["with script", "without script"]) {
  const settings = { javaScriptEnabled: mode === "with script" };
  parts[`the first administrator, ${mode}`] = async () => {
    const stage = await first_day({ alone: true });
    const page = await visitor(await browser(), stage, settings);
    await first_administrator(page, stage);
    assert.deepEqual(page.faults, []);
    await stage.end();
  };
  parts[mode] = async () => {
    const stage = await district();
    const started = await browser();
    const wrong = [];
    for (const [role, journey] of Object.entries(journeys)) {
      const page = await visitor(started, stage, settings);
      page.mode = mode === "with script" ? "JS" : "NOJS";
      try {
        await journey(page, stage);
        wrong.push(...page.faults.map((fault) => `${role}: ${fault}`));
      } catch (error) {
        wrong.push(`${role}, at ${page.url()}: ${error.message}\n${await page.locator("main").innerText({ timeout: 1000 }).catch(() => "")}`.slice(0, 1500));
      }
      await page.context().close();
    }
    await stage.end();
    if (wrong.length) throw new Error(wrong.join("\n  "));
    return `${Object.keys(journeys).length} journeys`;
  };
}
await play(parts);
