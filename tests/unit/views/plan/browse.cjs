// Opens a plan in a real browser, as readers do, and prints what it finds as JSON.
// Arguments: the page, the browser, and the folders of playwright-core and axe-core.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const [page_, executablePath, playwright, axeFolder] = process.argv.slice(2);
const { chromium } = require(playwright);
const axe = fs.readFileSync(path.join(axeFolder, "axe.min.js"), "utf8");

const READERS = {
  desktop: { viewport: { width: 1280, height: 900 } },
  phone: { viewport: { width: 375, height: 800 }, isMobile: true, hasTouch: true },
  "small phone": { viewport: { width: 320, height: 640 }, isMobile: true, hasTouch: true },
  dark: { viewport: { width: 1280, height: 900 }, colorScheme: "dark" },
  "dark phone": { viewport: { width: 375, height: 800 }, isMobile: true, colorScheme: "dark" },
};

const judge = async (page) => {
  await page.evaluate(axe);
  const result = await page.evaluate(() => globalThis.axe.run());
  return {
    passes: result.passes.length,
    violations: result.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).slice(0, 3).join(" ")}`),
  };
};

const width = (page) => page.evaluate(() => document.documentElement.scrollWidth);
const unfold = (page) => page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));

(async () => {
  const isRoot = typeof process.getuid === "function" && process.getuid() === 0;
  const browser = await chromium.launch({ executablePath, args: isRoot ? ["--no-sandbox"] : [] });
  const seen = { messages: [], requests: [], readers: {} };
  for (const [name, options] of Object.entries(READERS)) {
    const context = await browser.newContext({ ...options, offline: true });
    const page = await context.newPage();
    page.on("console", (message) => seen.messages.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => seen.messages.push(`error: ${error.message}`));
    page.on("request", (request) => seen.requests.push(request.url().split(":")[0]));
    await page.goto(pathToFileURL(page_).href);
    const one = { title: await page.title(), width: [options.viewport.width, await width(page)] };
    one.folded = await judge(page);
    await unfold(page);
    one.unfolded = await judge(page);
    one.width.push(await width(page));
    seen.readers[name] = one;
    await context.close();
  }

  // Without scripts, what is gained is there to read, and what is folded can be unfolded.
  const context = await browser.newContext({ ...READERS.phone, offline: true, javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(pathToFileURL(page_).href);
  seen.shields = await page.$$eval(".shield", (all) => all.filter((one) => one.getBoundingClientRect().width > 5).length);
  const fold = page.locator("details:not([open]) > summary").first();
  const inner = page.locator("details:not([open]) li").first();
  seen.before = await inner.isVisible();
  const held = await inner.elementHandle();
  await fold.click();
  seen.after = await held.isVisible();
  await context.close();

  const paper = await (await browser.newContext({ offline: true, javaScriptEnabled: false })).newPage();
  await paper.goto(pathToFileURL(page_).href);
  await paper.emulateMedia({ media: "print" });
  seen.printed = await paper.$$eval("details li", (all) => all.map((one) => one.getBoundingClientRect().height > 0));
  await browser.close();
  console.log(JSON.stringify(seen));
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
