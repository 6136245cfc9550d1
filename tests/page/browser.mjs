// The browser of a test: Chromium as Debian packages it, one page, and everything that it asks for or complains about.

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

import axe from "axe-core";
import { chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** The browser's program: MOODFEED_CHROMIUM, or the first of its usual names on the PATH. */
export function findChromium() {
  const places = process.env.PATH.split(delimiter);
  const candidates = process.env.MOODFEED_CHROMIUM ? [process.env.MOODFEED_CHROMIUM] : NAMES.flatMap((name) => places.map((place) => join(place, name)));
  for (const candidate of candidates) {
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      continue;
    }
  }
  throw new Error("no Chromium: install it with `apt-get install chromium fonts-noto-color-emoji`, or set MOODFEED_CHROMIUM to its program");
}

export const openBrowser = () => chromium.launch({ executablePath: findChromium(), args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] });

/** A page of its own context: `requests` and `complaints` fill as it is used. */
export async function openPage(browser, { width = 1280, height = 900, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, ...options });
  const page = await context.newPage();
  const requests = [], complaints = [];
  page.on("request", (request) => { if (/^https?:|^ws/.test(request.url())) requests.push(request.url()); });
  page.on("console", (message) => { if (message.type() === "error") complaints.push(message.text()); });
  page.on("pageerror", (error) => complaints.push(error.message));
  return { page, requests, complaints, close: () => context.close() };
}

/** Wait until a feed is shown and nothing is asked for any more. */
export async function feedOf(page, column = 0) {
  const feed = page.locator(".feed").nth(column);
  await feed.locator(".cards:not([aria-busy]) > .card:not(.waiting)").first().waitFor();
  return feed;
}

export const idsOf = (feed) => feed.locator(".cards > .card").evaluateAll((cards) => cards.map((card) => card.dataset.postId));

const RULES = { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] };
const OF_COLOURS = { type: "tag", values: ["cat.color"] };

/** What axe finds wrong with the page as it is; one line each. Where only the colours have changed, `onlyColours`. */
export async function violations(page, { onlyColours = false } = {}) {
  await page.evaluate(() => Promise.all(document.getAnimations().filter((each) => each.effect.getComputedTiming().iterations !== Infinity).map((each) => each.finished.catch(() => {}))));
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe.source);
  const found = await page.evaluate((runOnly) => window.axe.run(document, { resultTypes: ["violations"], runOnly }), onlyColours ? OF_COLOURS : RULES);
  return found.violations.flatMap((each) => each.nodes.map((node) => `${each.id}: ${each.help}: ${node.html.slice(0, 160)} ${node.failureSummary}`));
}
