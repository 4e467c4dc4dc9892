// Draws every page at both widths in both themes into docs/pictures, from the demo and from a record on its first day.
//   cargo build --all-features && node tests/browser/pictures.mjs [SCENE] [PART OF A NAME]
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { browser, district, enter, first_day, play, visitor } from "./stage.mjs";
import { first_visits, visits } from "./visits.mjs";

const folder = resolve(dirname(fileURLToPath(import.meta.url)), "../../docs/pictures");
/// Widths in pixels, and how much of a long page is drawn.
const SIZES = [
  { width: 1280, most: 760 },
  { width: 320, most: 640 },
];
const THEMES = ["light", "dark"];
const MOST_MEGABYTES = 6;

async function draw(stage, pages) {
  const started = await browser("--hide-scrollbars");
  for (const who of new Set(pages.map((one) => one.who))) {
    const page = await visitor(started, stage);
    if (who !== "nobody") await enter(page, stage, stage.people[who]);
    for (const { name, path } of pages.filter((one) => one.who === who)) {
      await page.goto(path);
      for (const { width, most } of SIZES) {
        await page.setViewportSize({ width, height: 800 });
        for (const theme of THEMES) {
          await page.emulateMedia({ colorScheme: theme });
          const height = Math.min(most, Math.max(600, await page.evaluate(() => document.documentElement.scrollHeight)));
          const file = join(folder, `${name}-${width}-${theme}.png`);
          await page.screenshot({ path: file, fullPage: true, clip: { x: 0, y: 0, width, height } });
          execFileSync("pngquant", ["--force", "--strip", "--speed", "3", "--output", file, "16", file]);
        }
      }
    }
    await page.context().close();
  }
  return pages.length * SIZES.length * THEMES.length;
}

/// Only pages whose names have this in them; the others' pictures stay.
const only = process.argv[3] ?? "";

await play({
  [`pictures ${only}`]: async () => {
    execFileSync("pngquant", ["--version"]);
    mkdirSync(folder, { recursive: true });
    for (const old of readdirSync(folder).filter((name) => name.endsWith(".png") && name.includes(only))) rmSync(join(folder, old));
    const [used, fresh] = [await district(), await first_day()];
    const wanted = (pages) => pages.filter((one) => one.name.includes(only));
    const count = (await draw(used, wanted(await visits(used)))) + (await draw(fresh, wanted(first_visits(fresh))));
    const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
    const megabytes = bytes / (1 << 20);
    if (megabytes > MOST_MEGABYTES) throw new Error(`the pictures take ${megabytes.toFixed(1)} MB, at most ${MOST_MEGABYTES}`);
    return `${count} pictures, ${megabytes.toFixed(1)} MB`;
  },
});
