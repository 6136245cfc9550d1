// Pictures of the page at three widths, for docs/explorer.md: MOODFEED_PAGE_SCREENSHOTS names the directory they go to.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";

import { feedOf, openBrowser, openPage } from "./browser.mjs";
import { somebody, startProduct } from "./product.mjs";

const DIRECTORY = resolve(import.meta.dirname, "../..", process.env.MOODFEED_PAGE_SCREENSHOTS ?? "data/page/screenshots");
const LARGEST_BYTES = 150_000;
const SIZES = [[390, 844], [820, 1000], [1280, 860]];
let product, browser;
before(async () => { [product, browser] = await Promise.all([startProduct({ layout: "one" }), openBrowser()]); });
after(() => Promise.all([product?.stop(), browser?.close()]));

async function take(page, name) {
  await page.evaluate(() => Promise.all(document.getAnimations().map((each) => each.finished)));
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality: 84 });
  const content = Buffer.from(data, "base64");
  assert.ok(content.length > 5_000 && content.length <= LARGEST_BYTES, `${name}: ${content.length} bytes`);
  mkdirSync(DIRECTORY, { recursive: true });
  writeFileSync(join(DIRECTORY, `${name}.webp`), content);
}

for (const colorScheme of ["light", "dark"]) {
  for (const [width, height] of SIZES) {
    test(`${width} pixels wide, ${colorScheme}: nothing is wider than the window`, async () => {
      const { page, complaints, close } = await openPage(browser, { width, height, colorScheme });
      await page.goto(`${product.url}/?username=${await somebody(product)}&mood=%F0%9F%98%8C`);
      const feed = await feedOf(page);
      await feed.locator('[data-verb="LIKE"]').nth(1).click();
      await page.locator(".deeds li").first().waitFor();
      await page.locator(".change:visible").first().waitFor();
      await page.evaluate(() => document.activeElement.blur());
      await page.evaluate(() => scrollTo(0, 0));
      await page.mouse.move(0, 0);
      await take(page, `explorer-${width}${colorScheme === "dark" ? "-dark" : ""}`);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
      assert.deepEqual(complaints, []);
      await close();
    });
  }
}

test("two feeds, why, and health", async () => {
  const { page, close } = await openPage(browser, { width: 1280, height: 860 });
  const person = await somebody(product);
  await page.goto(`${product.url}/?username=${person}&mood=calm&with_username=${person}&with_mood=%F0%9F%98%82`);
  const feed = await feedOf(page, 0);
  await feedOf(page, 1);
  await page.mouse.move(0, 0);
  await page.evaluate(() => scrollTo(0, 0));
  await take(page, "explorer-two");
  await feed.locator('[data-act="why"]').first().click();
  await page.locator(".history li").nth(2).waitFor();
  await take(page, "explorer-why");
  await page.keyboard.press("Escape");
  await page.locator("#health").click();
  await page.locator("#health-counters dd").first().waitFor();
  await take(page, "explorer-health");
  await close();
});
