// What every script stands on: a record of its own served by the real program, people who sign in, and pages that tell of everything that goes wrong.
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/// What the test that started the script says: {program, played, routes, posts}. Without it: the debug build, and a demo that is played first.
export const scene = process.argv[2]
  ? JSON.parse(readFileSync(process.argv[2], "utf8"))
  : { program: process.env.QUITTANCE_TEST_PROGRAM ?? join(root, "target/debug/quittance") };

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/// The password of everybody in the demo (`src/cli/demo.rs`).
const PASSWORD = "prairie lantern copper river";
const folders = [];
const servers = [];
const browsers = [];

function folder() {
  const made = mkdtempSync(join(tmpdir(), "quittance-browser-"));
  folders.push(made);
  return made;
}

/// Runs the program to its end; gives what it printed.
export function run(...words) {
  return new Promise((done, failed) => {
    const child = spawn(scene.program, words, { stdio: ["ignore", "pipe", "pipe"] });
    let [said, complained] = ["", ""];
    child.stdout.on("data", (text) => (said += text));
    child.stderr.on("data", (text) => (complained += text));
    child.on("error", failed);
    child.on("close", (code) => (code === 0 ? done(said) : failed(new Error(`quittance ${words[0]} ended with ${code}: ${said}${complained}`))));
  });
}

/// Serves the record in a folder: {url, api, form, entries, said, end}. `api(token, method, path, body)` is what a program sends, `form(person, path,
/// fields)` what a page's form sends, `said()` what the program has printed.
async function serve(data, keys, ...more) {
  const words = ["serve", ...more, "--data", data, "--keys", keys, "--listen", "127.0.0.1:0"];
  for (const limit of ["person-rate", "token-rate", "public-rate", "address-connections"]) words.push(`--${limit}`, "0");
  const child = spawn(scene.program, words, { stdio: ["ignore", "pipe", "pipe"] });
  servers.push(child);
  let said = "";
  child.complaints = "";
  child.stderr.on("data", (text) => (child.complaints += text));
  const port = await new Promise((done, failed) => {
    child.stdout.on("data", (text) => {
      said += text;
      const found = /listening on [^ ]*:(\d+)/.exec(said);
      if (found) done(found[1]);
    });
    child.on("close", (code) => failed(new Error(`the service ended with ${code} before it listened: ${said}${child.complaints}`)));
  });
  const url = `http://127.0.0.1:${port}`;
  const api = async (token, method, path, body, headers = {}) => {
    const raw = typeof body === "string" || Buffer.isBuffer(body) || body instanceof FormData;
    const answer = await fetch(url + path, {
      method,
      redirect: "manual",
      headers: { ...(token ? { authorization: `Bearer ${token}` } : {}), ...(body && !raw ? { "content-type": "application/json" } : {}), ...headers },
      body: body === undefined ? undefined : raw ? body : JSON.stringify(body),
    });
    const text = await answer.text();
    const json = answer.headers.get("content-type")?.includes("json") ? JSON.parse(text) : null;
    return { status: answer.status, headers: answer.headers, text, json };
  };
  const form = async (person, path, fields) => {
    const cookie = person && (await session({ url, api }, person)).map(({ name, value }) => `${name}=${value}`).join("; ");
    return post(api, path, fields, cookie);
  };
  // As many as the newest checkpoint covers, when nothing more comes: one is published in every second in which the log has grown.
  const covered = async () => Number((await api(null, "GET", "/ledger/checkpoint")).text.split("\n")[1]);
  const entries = async () => {
    for (let last = -1; ; ) {
      const now = await covered();
      if (now === last) return now;
      last = now;
      await new Promise((done) => setTimeout(done, 1_300));
    }
  };
  const end = () => new Promise((done) => (child.once("close", done), child.kill("SIGTERM")));
  return { url, api, form, entries, said: () => said, end };
}

const post = (api, path, fields, cookie) =>
  api(null, "POST", path, new URLSearchParams(fields).toString(), {
    "content-type": "application/x-www-form-urlencoded",
    accept: "text/html",
    "sec-fetch-site": "same-origin",
    ...(cookie ? { cookie } : {}),
  });

const cookies_of = (answer) =>
  answer.headers.getSetCookie().map((line) => {
    const [pair] = line.split(";");
    const at = pair.indexOf("=");
    return { name: pair.slice(0, at), value: pair.slice(at + 1) };
  });

/// The cookies of somebody's session, begun by the forms that a browser would send. A vendor's people agree to sign electronically the first time.
async function session(stage, person) {
  if (person.cookies) return person.cookies;
  const answer = await post(stage.api, "/sign-in", { email: person.email, password: person.password, next: "/" });
  if (answer.status !== 303) throw new Error(`${person.name} cannot sign in: ${answer.status} ${answer.text}`);
  const cookies = cookies_of(answer);
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join("; ");
  if (answer.headers.get("location").includes("/agreement") && !person.undecided) {
    const page = await stage.api(null, "GET", "/agreement", undefined, { cookie, accept: "text/html" });
    const document = /name="document" value="([^"]+)"/.exec(page.text)[1];
    const agreed = await post(stage.api, "/agreement", { document, next: "/" }, cookie);
    if (agreed.status !== 303) throw new Error(`${person.name} cannot agree: ${agreed.status} ${agreed.text}`);
    // The session goes on under another token.
    const fresh = cookies_of(agreed);
    if (fresh.some((one) => one.value)) return (person.cookies = fresh);
  }
  return (person.cookies = cookies);
}

/// The demo's district, on a copy of its record: {url, api, …, people, story, folder}. People by role: `people.coordinator`, `people.operator`, …
export async function district() {
  const data = folder();
  if (scene.played) cpSync(scene.played, data, { recursive: true });
  else await run("demo", "--no-serve", "--data", data);
  // The demo's people have no app for second factors.
  const server = await serve(data, join(data, "keys"), "--second-factor", "false");
  const story = JSON.parse(readFileSync(join(data, "demo/story.json"), "utf8"));
  const roles = {
    administrator: "administrator",
    coordinator: "disposal coordinator",
    approver: "approver",
    auditor: "auditor",
    reports: "sustainability officer",
    operator: "vendor operator",
    verifier: "vendor verifier",
  };
  const people = {};
  for (const [name, role] of Object.entries(roles)) {
    people[name] = story.people.find((person) => person.role === role);
    if (!people[name]) throw new Error(`nobody in the demo is a ${role}`);
  }
  for (const person of story.people) person.password = PASSWORD;
  // Somebody who signs in for the first time and has not agreed to anything yet.
  people.newcomer = { ...story.people.findLast((person) => person.role === "vendor verifier"), undecided: true };
  // The second vendor's: what the first vendor must not see.
  people.stranger = story.people.findLast((person) => person.role === "vendor operator");
  const certificate = (name) => readFileSync(join(data, "demo/certificates", name));
  return { ...server, people, story, folder: data, certificate };
}

/// A record on its first day, with one person of each of the organisation's roles but no administrator, or with nobody at all.
export async function first_day({ alone = false } = {}) {
  const data = folder();
  const [record, keys] = [join(data, "data"), join(data, "keys")];
  mkdirSync(record);
  await run("init", "--data", record, "--keys", keys, "--url", "http://localhost:8080", "--name", "Elm Valley Schools", "--site", "Depot");
  const people = {};
  for (const role of alone ? [] : ["coordinator", "approver", "auditor", "reports"]) {
    const name = `${role[0].toUpperCase()}${role.slice(1)} Example`;
    const email = `${role}@elm-valley.example`;
    const said = await run("people", "add", "--data", record, "--keys", keys, "--name", name, "--title", role, "--role", role, "--email", email, "--invite");
    people[role] = { name, role, email, password: PASSWORD, token: /\bqt[a-z]_\S+/.exec(said)[0], invitation: /\/invitations\/\S+/.exec(said)[0] };
  }
  // Somebody more, who has not followed the link yet.
  const invited = await run("people", "add", "--data", record, "--keys", keys, "--name", "Nora Newcomer", "--title", "Auditor", "--role", "auditor", "--invite");
  const server = await serve(record, keys, "--second-factor", String(alone));
  for (const { email, invitation } of Object.values(people)) {
    const answer = await post(server.api, invitation, { email, password: PASSWORD, repeated: PASSWORD });
    if (answer.status !== 303) throw new Error(`the invitation is not taken: ${answer.status} ${answer.text}`);
  }
  return { ...server, people, invitation: /\/invitations\/\S+/.exec(invited)[0], folder: data };
}

/// Chromium. `words` are more of its switches.
export async function browser(...words) {
  const started = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", ...words] });
  browsers.push(started);
  return started;
}

/// A page of somebody's own, who has not signed in yet. `page.faults` collects what no page may do: complain in the console, break the content
/// security policy, throw, or ask another host. `settings` are Playwright's.
export async function visitor(started, stage, settings = {}) {
  const context = await started.newContext({ baseURL: stage.url, reducedMotion: "reduce", locale: "en-US", timezoneId: "UTC", ...settings });
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) =>
      console.error(`policy: ${event.effectiveDirective} forbids ${event.blockedURI} ${event.sample ?? ""} at ${event.sourceFile}:${event.lineNumber}`),
    );
  });
  // For whoever draws: the style sheets as they are in the folder now, without building the program again.
  if (process.env.QUITTANCE_TEST_STYLES) {
    const sheets = join(root, "static/css");
    const style = readdirSync(sheets).sort().map((name) => readFileSync(join(sheets, name), "utf8")).join("");
    await context.route("**/style.css", (route) => route.fulfill({ contentType: "text/css; charset=utf-8", body: style }));
  }
  const page = await context.newPage();
  watch(page, stage.url);
  return page;
}

/// Collects a page's faults in `page.faults`.
export function watch(page, url) {
  page.faults = [];
  page.on("console", (message) => {
    if (message.type() !== "error" && message.type() !== "warning") return;
    // That the page asked for is an error page is no complaint; that a part of it is missing is one.
    if (message.text().startsWith("Failed to load resource") && message.location().url === page.url()) return;
    page.faults.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => page.faults.push(`thrown: ${error.message}`));
  page.on("dialog", (dialog) => {
    page.faults.push(`dialog: ${dialog.message()}`);
    dialog.dismiss().catch(() => {});
  });
  page.on("request", (request) => {
    const to = new URL(request.url());
    if (["http:", "https:", "ws:", "wss:"].includes(to.protocol) && to.origin !== url) page.faults.push(`asks another host: ${request.url()}`);
  });
}

/// Signs somebody in on the sign-in page.
export async function sign_in(page, person, next) {
  await page.goto(`/sign-in${next ? `?next=${encodeURIComponent(next)}` : ""}`);
  await page.getByLabel("E-mail address").fill(person.email);
  await page.getByLabel("Password").fill(person.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((url) => url.pathname !== "/sign-in");
  const agree = page.getByRole("button", { name: "I agree" });
  if (new URL(page.url()).pathname === "/agreement") await agree.click();
  await page.getByRole("button", { name: "Sign out", exact: true }).waitFor();
}

/// Lets somebody be signed in already.
export async function enter(page, stage, person) {
  await page.context().addCookies((await session(stage, person)).map((cookie) => ({ ...cookie, url: stage.url, httpOnly: true, sameSite: "Lax" })));
}

/// What axe-core finds on the page as it is now: one line for each rule that is broken. Themes differ in colours alone, so that the rules about
/// colours are enough for the second.
export async function judge(page, rules = "all") {
  // Not by a <script> element: the content security policy forbids that one, and stays as it is.
  if (!(await page.evaluate("Boolean(window.axe)"))) await page.evaluate(`${axe}; 0`);
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const only = rules === "colours" ? { type: "rule", values: ["color-contrast", "link-in-text-block"] } : { type: "tag", values: tags };
  const violations = await page.evaluate(async (runOnly) => {
    const found = await axe.run(document, { runOnly, resultTypes: ["violations"] });
    return found.violations.map((one) => ({ id: one.id, help: one.help, nodes: one.nodes.map((node) => [node.target.join(" "), node.failureSummary]) }));
  }, only);
  return violations.map((one) => {
    const [where, why] = one.nodes[0];
    return `axe ${one.id}: ${one.help}; ${one.nodes.length} times, first ${where}: ${why.replaceAll(/\s+/g, " ")}`;
  });
}

/// Waits until something is so; says what for if it never is.
export async function until(what, is_so, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await is_so();
    if (found) return found;
    if (Date.now() > end) throw new Error(`never so within ${seconds} s: ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/// Runs a script's parts one after the other and says how each went; ends the program with what came out, and with everything that was started.
export async function play(parts) {
  const failed = [];
  const only = process.argv[3];
  for (const [name, part] of Object.entries(parts)) {
    if (only && !name.includes(only)) continue;
    const began = Date.now();
    try {
      const said = await part();
      console.log(`ok ${name}${said ? `: ${said}` : ""} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
    } catch (error) {
      failed.push(name);
      console.log(`FAILED ${name}: ${error.stack ?? error}`);
      for (const child of servers) if (child.complaints) console.log(`a service has said: ${child.complaints.slice(-2000)}`);
    }
  }
  await Promise.all(browsers.map((started) => started.close().catch(() => {})));
  for (const child of servers) child.kill("SIGKILL");
  for (const made of folders) if (existsSync(made)) rmSync(made, { recursive: true, force: true });
  console.log(failed.length ? `${failed.length} failed: ${failed.join(", ")}` : "everything passed");
  process.exit(failed.length ? 1 : 0);
}
