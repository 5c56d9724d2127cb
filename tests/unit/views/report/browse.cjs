// Opens a report in a real browser, as readers do, and prints what it finds as JSON.
// Arguments: the report, the browser, and the folders of playwright-core and axe-core.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const [report, executablePath, playwright, axeFolder] = process.argv.slice(2);
const { chromium } = require(playwright);
const axe = fs.readFileSync(path.join(axeFolder, "axe.min.js"), "utf8");

const READERS = {
  desktop: { viewport: { width: 1280, height: 900 } },
  phone: { viewport: { width: 375, height: 800 }, isMobile: true, hasTouch: true },
  dark: { viewport: { width: 1280, height: 900 }, colorScheme: "dark" },
  "dark phone": { viewport: { width: 375, height: 800 }, isMobile: true, colorScheme: "dark" },
  "without scripts": { viewport: { width: 375, height: 800 }, javaScriptEnabled: false },
};

const open = async (browser, options, seen) => {
  const context = await browser.newContext({ ...options, offline: true });
  const page = await context.newPage();
  page.on("console", (message) => seen.messages.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => seen.messages.push(`error: ${error.message}`));
  page.on("request", (request) => seen.requests.push(request.url().split(":")[0]));
  await page.goto(pathToFileURL(report).href);
  return page;
};

const width = (page) => page.evaluate(() => document.documentElement.scrollWidth);

const judge = async (page) => {
  await page.evaluate(axe);
  const result = await page.evaluate(() => globalThis.axe.run());
  return {
    passes: result.passes.length,
    violations: result.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).slice(0, 3).join(" ")}`),
  };
};

const visible = (page, selector) =>
  page.$$eval(selector, (all) => all.filter((one) => one.checkVisibility()).map((one) => one.textContent.replace(/\s+/g, " ").trim()));

const search = async (page, text) => {
  await page.fill("#query", text);
  await page.press("#query", "Enter");
  return {
    found: await page.textContent("#found"),
    people: await visible(page, "#o1-people ~ table tbody th .id"),
    heads: await visible(page, "h3"),
    asides: await visible(page, "#summary, #sources"),
  };
};

(async () => {
  const isRoot = typeof process.getuid === "function" && process.getuid() === 0;
  const browser = await chromium.launch({ executablePath, args: isRoot ? ["--no-sandbox"] : [] });
  const seen = { messages: [], requests: [] };
  const answer = { readers: {}, searches: {} };
  for (const [name, options] of Object.entries(READERS)) {
    const page = await open(browser, options, seen);
    const one = { title: await page.title(), width: [options.viewport.width, await width(page)] };
    one.hasSearch = (await visible(page, "#tools")).length > 0;
    if (options.javaScriptEnabled !== false) {
      one.folded = await judge(page);
      await page.click("#fold");
      one.unfolded = await judge(page);
    } else {
      await page.$$eval("details", (all) => all.forEach((one) => (one.open = true)));
    }
    one.width.push(await width(page));
    answer.readers[name] = one;
    await page.context().close();
  }

  const page = await open(browser, READERS.desktop, seen);
  for (const text of ["kim lund", "desk.tickets.delete", "money.*", "zzz", ""]) answer.searches[text] = await search(page, text);
  answer.profiles = (await visible(page, "details .target")).length;
  await page.click("#o1-people ~ table tbody tr a");
  await page.waitForFunction(() => [...document.querySelectorAll("details .target")].some((one) => one.checkVisibility()));
  answer.followed = await page.$$eval("details[open] > .target", (all) => all.map((one) => one.id));
  answer.hash = new URL(page.url()).hash.slice(1);
  await page.context().close();

  const paper = await open(browser, { ...READERS.desktop, javaScriptEnabled: false }, seen);
  await paper.emulateMedia({ media: "print" });
  answer.printed = await paper.$$eval("details .target", (all) => all.map((one) => one.getBoundingClientRect().height > 0));
  answer.printedTools = await visible(paper, "#tools, nav");
  await browser.close();
  console.log(JSON.stringify({ ...answer, ...seen }));
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
