// Who cannot see, has no mouse, or has a small screen: axe on every state of the page, the keyboard, and live regions.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { feedOf, idsOf, openBrowser, openPage, violations } from "./browser.mjs";
import { startProduct, somebody } from "./product.mjs";

const WIDTHS = [390, 820, 1280];
let product, browser, person;
before(async () => {
  [product, browser] = await Promise.all([startProduct({ layout: "one" }), openBrowser()]);
  person = await somebody(product);
});
after(() => Promise.all([product?.stop(), browser?.close()]));

const card = (page) => page.locator(".feed .cards > .card").first();
const STATES = {
  "nobody chosen": async () => {},
  "a feed with what was done": async (page) => {
    await page.goto(`${product.url}/?username=${person}&mood=%F0%9F%98%8C`);
    await card(await feedOf(page).then(() => page)).locator('[data-verb="INSPIRE"]').click();
    await page.locator(".deeds li").waitFor();
  },
  "two feeds": async (page) => {
    await page.goto(`${product.url}/?username=${person}&with_username=somebody-new&with_mood=sad`);
    await feedOf(page, 1);
    await page.locator(".options summary").first().click();
  },
  why: async (page) => { await shown(page); await card(page).locator('[data-act="why"]').click(); },
  similar: async (page) => { await shown(page); await card(page).locator('[data-act="similar"]').click(); await page.locator("dialog .card").first().waitFor(); },
  stars: async (page) => { await shown(page); await card(page).locator('[data-verb="RATING"]').click(); },
  "add a post": async (page) => { await shown(page); await page.locator("#add").click(); },
  health: async (page) => { await shown(page); await page.locator("#health").click(); await page.locator("#health-counters dd").first().waitFor(); },
  keys: async (page) => { await shown(page); await page.keyboard.press("?"); },
  "a failure": async (page) => { await page.goto(`${product.url}/?username=${person}&bundle_id=${"0".repeat(64)}`); await page.locator(".warned").waitFor(); },
};

async function shown(page) {
  await page.goto(`${product.url}/?username=${person}`);
  await feedOf(page);
}

for (const width of WIDTHS) {
  test(`axe finds nothing, light and dark, ${width} pixels wide`, async () => {
    for (const [name, reach] of Object.entries(STATES)) {
      const { page, close } = await openPage(browser, { width });
      await page.goto(product.url);
      await page.locator(".pick").first().waitFor();
      await reach(page);
      assert.deepEqual(await violations(page), [], name);
      await page.emulateMedia({ colorScheme: "dark" });
      assert.deepEqual(await violations(page, { onlyColours: true }), [], `${name}, dark`);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, `${name} does not scroll sideways`);
      await close();
    }
  });
}

test("everything is done with the keyboard, and the focus is never lost", async () => {
  const { page, complaints, close } = await openPage(browser);
  await page.goto(product.url);
  await page.locator(".pick").first().waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("a keyboard person");
  await page.keyboard.press("Enter");
  const feed = await feedOf(page);
  await page.keyboard.press("Escape");
  await page.keyboard.press("j");
  await page.keyboard.press("ArrowRight");
  const [, second] = await idsOf(feed);
  const focused = () => page.evaluate(() => document.activeElement.dataset.postId ?? document.activeElement.tagName);
  assert.equal(await focused(), second);
  await page.keyboard.press("l");
  await page.locator(".deeds li").waitFor();
  await page.waitForFunction(() => document.activeElement.matches(".card"));
  await page.keyboard.press("w");
  assert.match(await page.locator("#dialog-title").textContent(), /^Why is “.+” here\?$/);
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.activeElement.matches(".card, [data-act]"));
  await page.locator(".cards .card").first().focus();
  await page.keyboard.press("r");
  await page.locator("#stars").waitFor();
  await page.keyboard.press("2");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelectorAll(".deeds li").length === 2);
  await page.keyboard.press("?");
  await page.locator("dialog kbd").first().waitFor();
  await page.locator(".check input").uncheck();
  await page.keyboard.press("Escape");
  await page.keyboard.press("c");
  assert.equal(await page.locator(".feed").count(), 1, "single keys are off");
  assert.deepEqual(complaints, []);
  await close();
});

test("what happens is announced, and what is pressed says so", async () => {
  const { page, close } = await openPage(browser);
  await page.goto(`${product.url}/?username=${person}&category_id=5`);
  const feed = await feedOf(page);
  assert.equal(await feed.locator(".told").getAttribute("role"), "status");
  const like = feed.locator('[data-verb="LIKE"]').first();
  await like.click();
  await feed.locator('[data-verb="LIKE"][aria-pressed="true"]').waitFor();
  await page.waitForFunction(() => document.querySelector(".told").textContent.startsWith("Liked “"));
  await feed.locator('[data-verb="LIKE"][aria-pressed="true"]').click();
  await page.waitForFunction(() => !document.querySelector('[data-verb="LIKE"][aria-pressed="true"]'));
  await page.waitForFunction(() => document.querySelector(".told").textContent.startsWith("Undone: Like"));
  await close();
});

test("who wants less motion gets none", async () => {
  for (const reducedMotion of ["reduce", "no-preference"]) {
    const { page, close } = await openPage(browser, { reducedMotion });
    await page.addInitScript(() => {
      window.moved = 0;
      const { animate } = Element.prototype;
      Element.prototype.animate = function count(...given) { window.moved += 1; return animate.apply(this, given); };
    });
    await page.goto(`${product.url}/?username=${person}`);
    await feedOf(page);
    assert.equal(await page.evaluate(() => window.moved > 0), reducedMotion !== "reduce");
    await close();
  }
});
