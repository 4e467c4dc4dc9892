// Every page × light and dark × 1280 and 320 px: nothing that axe-core finds, nothing wrong in the console, nothing asked of others, nothing out of
// sight, everything within reach of a keyboard and large enough for a finger.
import { createServer } from "node:http";
import { read } from "./pallet.mjs";
import { browser, district, enter, first_day, judge, play, scene, visitor } from "./stage.mjs";
import { first_visits, NO_PAGE, visits } from "./visits.mjs";

const WIDTHS = [1280, 320];
const THEMES = ["light", "dark"];
/// Presses of the Tab key after which a page counts as endless.
const MOST_STOPS = 600;

/// What a page has to be, whatever is on it.
function shape(width) {
  const wrong = [];
  const shown = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && element.getClientRects().length > 0;
  const headings = [...document.querySelectorAll("h1")].filter(shown);
  if (headings.length !== 1) wrong.push(`${headings.length} first headings`);
  if (document.title.split("·")[0].trim() === "") wrong.push("no title");
  if (!document.documentElement.lang) wrong.push("no language");
  const wide = document.documentElement.scrollWidth;
  if (wide > width) {
    const far = [...document.body.querySelectorAll("*")].filter((one) => one.getBoundingClientRect().right > width + 0.5 && !one.closest(".scroll > *"));
    wrong.push(`scrolls sideways: ${wide} px, for instance ${far.slice(0, 3).map((one) => `<${one.localName} class="${one.className}">`).join(" ")}`);
  }
  // WCAG 2.5.8: a target is at least 24 px high and wide. A link in a sentence is excepted: the line's height is the text's.
  const small = [];
  for (const target of document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")) {
    if (!shown(target)) continue;
    const inline = target.localName === "a" && getComputedStyle(target).display === "inline";
    const around = target.parentElement?.innerText?.trim() ?? "";
    if (inline && around.length > target.innerText.trim().length) continue;
    // A tick box is as large as the label that one may press as well.
    const boxes = [target, ...(target.labels ?? [])].map((one) => one.getBoundingClientRect());
    const box = inline ? target.closest("th, td, li, dd, p, div").getBoundingClientRect() : null;
    const height = Math.max(...boxes.map((one) => one.height));
    const width = Math.max(...boxes.map((one) => one.width));
    // Hidden until it has the focus.
    if (target.matches(".skip")) continue;
    if (height < 23.5 || width < 23.5) small.push(`${target.localName} “${(target.innerText || target.name || "").slice(0, 30)}” ${Math.round(width)}×${Math.round(height)}${box ? " inline" : ""}`);
  }
  if (small.length) wrong.push(`${small.length} targets smaller than 24 px: ${small.slice(0, 4).join("; ")}`);
  return wrong;
}

/// Goes through a page with the Tab key: every control is reached, and whatever has the focus can be seen to have it. The page itself looks at what
/// has the focus whenever the next Tab comes, so that many can be sent at once.
async function walk(page) {
  const expected = await page.evaluate(() => {
    const controls = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")];
    const within = controls.filter((one) => !one.disabled && one.tabIndex >= 0 && !one.closest("[inert]") && one.checkVisibility({ visibilityProperty: true }));
    // Of radio buttons of one name a keyboard stops at one.
    const groups = new Set();
    const stops = within.filter((one) => {
      if (one.type !== "radio") return true;
      const group = `${one.form?.action} ${one.name}`;
      return !groups.has(group) && groups.add(group);
    });
    const called = (one) => `${one.localName} “${(one.innerText || one.getAttribute("aria-label") || one.name || "").trim().slice(0, 40)}”`;
    const [awaited, walked, wrong] = [new Set(stops), new Set(), []];
    let [tabs, last, over] = [0, null, false];
    const look = () => {
      const here = document.activeElement;
      // A date has three stops of its own.
      if (here === last) return;
      if (!here || here === document.body || walked.has(here)) return (over = true);
      last = here;
      walked.add(here);
      awaited.delete(here);
      if (here.type === "radio") for (const one of document.getElementsByName(here.name)) awaited.delete(one);
      const style = getComputedStyle(here);
      const marked = (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2) || style.boxShadow !== "none";
      if (!marked) wrong.push(`the focus on ${called(here)} does not show`);
      // WCAG 2.4.11: not entirely behind something else. Looked for where it is in sight, on the first line of a link that wraps.
      const box = here.getClientRects()[0];
      const [left, right] = [Math.max(0, box.left), Math.min(innerWidth, box.right)];
      const [top, bottom] = [Math.max(0, box.top), Math.min(innerHeight, box.bottom)];
      const points = [[0.5, 0.5], [0.1, 0.5], [0.9, 0.5], [0.5, 0.1], [0.5, 0.9], [0.1, 0.1], [0.9, 0.9]];
      const visible =
        right > left &&
        bottom > top &&
        points.some(([x, y]) => {
          const at = document.elementFromPoint(left + (right - left) * x, top + (bottom - top) * y);
          return at && (here.contains(at) || at.contains(here));
        });
      if (!visible) wrong.push(`the focus on ${called(here)} is covered or out of sight`);
    };
    const next = (event) => {
      if (event.key !== "Tab") return;
      // The first one comes before anything has the focus.
      if (!over && tabs > 0) look();
      tabs += 1;
      if (over) event.preventDefault();
    };
    addEventListener("keydown", next, { capture: true });
    window.walked = () => {
      if (!over) look();
      return over;
    };
    window.walk_over = () => {
      removeEventListener("keydown", next, { capture: true });
      return { wrong, missed: [...awaited].map(called), over };
    };
    document.activeElement?.blur();
    window.getSelection()?.removeAllRanges();
    scrollTo(0, 0);
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute("tabindex");
    return stops.length;
  });
  const keys = await page.context().newCDPSession(page);
  const press = (type) => keys.send("Input.dispatchKeyEvent", { type, key: "Tab", code: "Tab", windowsVirtualKeyCode: 9 });
  let sent = 0;
  do {
    // One beyond the last control leaves the page.
    const some = Math.min(MOST_STOPS - sent, sent === 0 ? expected + 1 : 20);
    await Promise.all(Array.from({ length: some }, () => [press("rawKeyDown"), press("keyUp")]).flat());
    sent += some;
  } while (!(await page.evaluate(() => window.walked())) && sent < MOST_STOPS);
  await keys.detach();
  const { wrong, missed, over } = await page.evaluate(() => window.walk_over());
  if (!over) wrong.push("the Tab key never comes to an end");
  if (missed.length) wrong.push(`the Tab key does not reach ${missed.length} of ${expected} controls: ${missed.slice(0, 4).join("; ")}`);
  return wrong;
}

/// Visits pages of one record; gives what is wrong with each.
async function look(started, stage, pages) {
  const wrong = [];
  for (const who of new Set(pages.map((one) => one.who))) {
    const page = await visitor(started, stage, { viewport: { width: WIDTHS[0], height: 900 } });
    if (who !== "nobody") await enter(page, stage, stage.people[who]);
    wrong.push(...page.faults.splice(0).map((fault) => `sign-in as ${who}: ${fault}`));
    for (const { name, path, status } of pages.filter((one) => one.who === who)) {
      const say = (found, how = "") => wrong.push(...found.map((one) => `${name} (${path}, ${who}${how}): ${one}`));
      const answer = await page.goto(path);
      if (answer.status() !== status) say([`status ${answer.status()}, and not ${status}`]);
      if (!answer.headers()["content-type"]?.startsWith("text/html")) say(["it is no page"]);
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 900 });
        for (const theme of THEMES) {
          await page.emulateMedia({ colorScheme: theme });
          const how = `, ${width} px, ${theme}`;
          say(await judge(page, theme === THEMES[0] ? "all" : "colours"), how);
          if (theme === THEMES[0]) {
            say(await page.evaluate(shape, width), how);
            say(await walk(page), how);
          }
        }
      }
      await page.setViewportSize({ width: WIDTHS[0], height: 900 });
      say(page.faults.splice(0));
    }
    await page.context().close();
  }
  return wrong;
}

function nothing(wrong) {
  if (wrong.length) throw new Error(`${wrong.length} things are wrong:\n  ${wrong.join("\n  ")}`);
}

/// A page with one of each fault.
const BAD = `<!doctype html><title> </title><style>a:focus { outline: none } button { position: relative; z-index: 1 }</style>
  <p style="color: #aaa; width: 900px">pale and wide</p><a href="/a">a</a><p><button style="width: 12px; height: 12px; padding: 0">x</button></p>
  <div style="position: fixed; inset: 0 auto auto 0; width: 100vw; height: 100vh; background: #fffe; z-index: 9"></div>
  <input tabindex="-1" aria-label="never"><span tabindex="0" role="button" onfocus="document.body.querySelector('a').focus()">trap</span><button>behind</button>
  <img src="http://elsewhere.invalid/x.png" alt=""><script>console.error("a complaint"); nobody()</script>`;

await play({
  /// The others can fail.
  "a page with faults": async () => {
    const server = createServer((asked, answer) => answer.setHeader("content-type", "text/html").end(BAD));
    await new Promise((done) => server.listen(0, "127.0.0.1", done));
    const stage = { url: `http://127.0.0.1:${server.address().port}`, people: {} };
    const found = await look(await browser(), stage, [{ name: "bad", who: "nobody", path: "/", status: 200 }]);
    server.close();
    for (const fault of [
      "axe color-contrast", "axe html-has-lang", "0 first headings", "no title", "no language", "scrolls sideways", "smaller than 24 px", "does not show",
      "is covered", "does not reach", "asks another host", "console: a complaint", "thrown: nobody is not defined",
    ]) if (!found.some((one) => one.includes(fault))) throw new Error(`nobody noticed: ${fault}. Noticed:\n  ${found.join("\n  ")}`);
    return `${found.length} faults seen`;
  },
  "every page": async () => {
    const stage = await district();
    const pages = await visits(stage);
    const all = [...pages, ...first_visits({})];
    const routes = scene.routes ?? [];
    const unknown = routes.filter((route) => !route.startsWith("/api/") && !NO_PAGE.includes(route) && !all.some((one) => one.route === route));
    if (unknown.length) throw new Error(`no visit in visits.mjs goes to ${unknown.join(", ")}; add one, or say in NO_PAGE that it gives no page`);
    const gone = routes.length ? [...all.map((one) => one.route), ...NO_PAGE].filter((route) => !routes.includes(route)) : [];
    if (gone.length) throw new Error(`visits.mjs names routes that there are no more: ${gone.join(", ")}`);
    const before = await stage.entries();
    // Two at once: one waits for the server while the other is judged.
    const started = await browser();
    const half = pages.filter((one, at) => at % 2 === 0);
    const found = await Promise.all([look(started, stage, half), look(started, stage, pages.filter((one) => !half.includes(one)))]);
    nothing(found.flat());
    // The service itself goes on looking for exceptions, and a vendor's person who is in for the first time has agreed to sign; nobody else may have written.
    const after = await stage.entries();
    for (let seq = before; seq < after; seq += 1) {
      const entry = await read(stage, "auditor", `/ledger/entries/${seq}`);
      if (entry.actor.role !== "service" && entry.event !== "party.signing_agreed") throw new Error(`reading pages wrote entry ${seq}: ${JSON.stringify(entry)}`);
    }
    return `${pages.length} pages, each ${WIDTHS.length * THEMES.length} times`;
  },
  "every page on the first day": async () => {
    const stage = await first_day();
    const pages = first_visits(stage);
    nothing(await look(await browser(), stage, pages));
    return `${pages.length} pages`;
  },
});
