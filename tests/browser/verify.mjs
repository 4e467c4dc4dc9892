// The public verify page in Chromium and in Firefox, which judges in the browser and uploads nothing: a good certificate, one with a changed byte, one that was revoked, one that is none.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import puppeteer from "puppeteer-core";
import { district, play, scene, until } from "./stage.mjs";

/// What the page says of a file: the verdict's words.
async function verdict(page, url, file) {
  await page.goto(`${url}/verify`, { waitUntil: "load" });
  const input = await page.$("input[type=file]");
  await input.uploadFile(file);
  // The page judges at once, in this browser.
  const judged = () => page.evaluate(() => document.querySelector(".verdict")?.innerText ?? "").catch(() => "");
  return until("a verdict", judged);
}

/// How many places of the PDF are changed, one byte each time.
const PLACES = 10;

/// A copy with one byte changed.
function flipped(bytes, at) {
  const copy = Buffer.from(bytes);
  copy[at] ^= 1;
  return copy;
}

async function engine(name, settings) {
  const stage = await district();
  const write = (file, bytes) => {
    const path = join(stage.folder, file);
    writeFileSync(path, bytes);
    return path;
  };
  const certificate = (revoked) => stage.story.certificates.find((one) => one.revoked === revoked).number;
  const [good, revoked] = [certificate(false), certificate(true)];
  const pdf = stage.certificate(`${good}.pdf`);
  const credential = Buffer.from((await stage.api(null, "GET", `/certificates/${good}/certificate.vc.json`)).text);
  const tag = stage.story.certificates.find((one) => one.number === good).tag;
  const files = [
    ["good PDF", write("good.pdf", pdf), /^AUTHENTIC · UNCHANGED · NOT REVOKED/],
    ["good credential", write("good.json", credential), /^AUTHENTIC/],
    ["credential with a changed byte", write("changed.json", flipped(credential, credential.indexOf(tag) + 4)), /^(NOT AUTHENTIC|ALTERED)/],
    ["revoked PDF", write("revoked.pdf", stage.certificate(`${revoked}.pdf`)), /REVOKED/],
    ["no certificate", write("none.pdf", Buffer.from("%PDF-1.7\nhello\n")), /^CANNOT/],
  ];
  for (let part = 1; part <= PLACES; part += 1) {
    const at = Math.floor((pdf.length * part) / (PLACES + 1));
    files.push([`PDF whose byte ${at} is changed`, write(`changed-${at}.pdf`, flipped(pdf, at)), /^(NOT AUTHENTIC|ALTERED|CANNOT|THE PAGES)/]);
  }
  const started = await puppeteer.launch(settings);
  try {
    const page = await started.newPage();
    const faults = [];
    page.on("console", (message) => ["error", "warn"].includes(message.type()) && faults.push(message.text()));
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("request", (request) => /^https?:/.test(request.url()) && new URL(request.url()).origin !== stage.url && faults.push(`asks ${request.url()}`));
    page.on("request", (request) => request.method() !== "GET" && faults.push(`${request.method()} ${request.url()}: something was uploaded`));
    const wrong = [];
    for (const [what, file, expected] of files) {
      const said = await verdict(page, stage.url, file);
      const first = said.split("\n")[0].toUpperCase();
      if (!expected.test(first)) wrong.push(`${what}: “${said}”`);
    }
    wrong.push(...faults);
    const cookies = await page.cookies();
    if (cookies.length) wrong.push(`${cookies.length} cookies were set`);
    if (wrong.length) throw new Error(`${name}:\n  ${wrong.join("\n  ")}`);
    return `${files.length} files judged by ${await started.version()}`;
  } finally {
    await started.close();
    await stage.end();
  }
}

await play({
  chromium: () => engine("Chromium", { browser: "chrome", executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] }),
  firefox: () => engine("Firefox", { browser: "firefox", executablePath: "/usr/bin/firefox-esr", headless: true }),
});
