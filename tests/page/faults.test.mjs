// What a page is told and shown that is not nice: texts of posts, services that are gone, and tokens.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { feedOf, openBrowser, openPage, violations } from "./browser.mjs";
import { LAYOUTS, somebody, startProduct } from "./product.mjs";

const LARGEST_ID = "9223372036854775807";
const MARKUP = `<img src=x onerror="window.broken=1"><script>window.broken=1</script>`;
let browser;
before(async () => { browser = await openBrowser(); });
after(() => browser?.close());

const POST = { video_link: "https://video.example.com/1.mp4", title: "", thumbnail_url: "", category_id: 2, owner_username: "ana", score: 0.5, external_id: "", ranking_score: 1, reason: "REASON_USER",
  explanation: { user_score: 0.5, popularity: 0.1, history: [], rules: [], is_seen: false } };
const STRANGE = [
  { post_id: LARGEST_ID, title: MARKUP, owner_username: MARKUP, thumbnail_url: "javascript:window.broken=1", video_link: "javascript:window.broken=1" },
  { post_id: "9007199254740993", title: "", owner_username: "" },
  { post_id: "3", title: "very long ".repeat(300) + "x".repeat(3000), owner_username: "y".repeat(200) },
  { post_id: "4", title: "مرحبا بالعالم، هذا عنوان طويل", owner_username: "بن" },
  { post_id: "5", title: "\u202Egnp.exe\n\n\u0000", category_id: 2147483647, reason: "REASON_OF_TOMORROW" },
].map((post) => ({ ...POST, ...post }));
const FEED = { posts: STRANGE, next_page_token: "", bundle_id: MARKUP, ranking: "RANKING_OF_TOMORROW", degradations: [{ stage: MARKUP, reason: MARKUP }], feed_id: "", position: 1, exhausted: false };

test("texts of posts stay texts, ids stay exact, and a link runs nothing", async () => {
  const product = await startProduct({ layout: "one" });
  try {
    const { page, complaints, close } = await openPage(browser, { width: 390 });
    const recorded = [];
    await page.route("**/feed?*", (route) => route.fulfill({ json: FEED }));
    await page.route("**/categories", (route) => route.fulfill({ json: { categories: [{ category_id: 2, name: MARKUP, post_count: 1 }] } }));
    await page.route("**/interactions", (route) => {
      recorded.push(route.request().postDataJSON().interactions[0]);
      return route.fulfill({ json: { position: 2, results: [{ result: "ACCEPTED", reason: "", event_id: "e" }] } });
    });
    await page.goto(`${product.url}/?username=${encodeURIComponent(MARKUP)}`);
    const feed = await feedOf(page);
    assert.equal(await feed.locator(".title").first().textContent(), MARKUP);
    assert.equal(await feed.locator(".title").nth(1).textContent(), "Untitled");
    assert.equal(await feed.locator(".title").nth(3).evaluate((node) => getComputedStyle(node).direction), "rtl");
    assert.ok(await feed.locator(".card").nth(2).evaluate((card) => card.getBoundingClientRect().height < 700), "a long title is cut");
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
    await feed.locator(".picture").first().click();
    assert.match(await page.locator("#dialog-body").textContent(), /neither http nor https.*javascript:/);
    assert.equal(await page.locator("#dialog-body a").count(), 0);
    await page.keyboard.press("Escape");
    for (const act of ["why", "similar"]) {
      await feed.locator(`[data-act="${act}"]`).first().click();
      await page.keyboard.press("Escape");
    }
    await feed.locator('[data-verb="LIKE"]').first().click();
    await page.locator(".deeds li").waitFor();
    assert.equal(recorded[0].post_id, LARGEST_ID);
    await page.locator("#health").click();
    assert.deepEqual(await violations(page), []);
    assert.equal(await page.evaluate(() => window.broken), undefined);
    assert.deepEqual(complaints.filter((each) => !/404/.test(each)), []); // the posts of this feed do not exist
    await close();
  } finally {
    await product.stop();
  }
});

test("a service that is gone: the feed is degraded, then not there, and comes back, each in plain words", async () => {
  const product = await startProduct();
  try {
    const person = await somebody(product);
    const { page, close } = await openPage(browser);
    await page.goto(`${product.url}/?username=${person}`);
    const feed = await feedOf(page);
    const warned = feed.locator(".warned");
    const health = (word) => page.locator("#health", { hasText: word }).waitFor();
    await health("Ready");
    await product.end("user_tower_service");
    await health("Degraded");
    await page.locator('input[name="mood"]').fill("joyful");
    await page.locator("form.ask button.main").click();
    await page.waitForFunction(() => /Degraded: .*because the user tower does not answer/.test(document.querySelector(".warned").textContent));
    assert.ok(await feed.locator(".card").count() > 0, "there is a feed all the same");
    product.start("user_tower_service");
    await health("Ready");
    await product.end("post_index_service");
    await health("Not ready");
    await page.locator('[data-mood="😂"]').click();
    await page.waitForFunction(() => /does not answer/.test(document.querySelector(".warned").textContent));
    await product.end("gateway");
    await health("No answer");
    await warned.locator("button").click();
    await page.waitForFunction(() => /The gateway does not answer\. Is it still running\?/.test(document.querySelector(".warned").textContent));
    assert.deepEqual(await violations(page), []);
    for (const name of LAYOUTS.three.filter((each) => each !== "user_tower_service")) product.start(name);
    await health("Ready");
    const deadline = Date.now() + 30_000; // processes that have just started may be slower than the deadline of a request
    while (Date.now() < deadline && (await warned.isVisible())) {
      await page.locator("form.ask button.main").click();
      await page.waitForTimeout(500);
      await page.locator(".cards:not([aria-busy])").waitFor();
    }
    assert.equal(await warned.isVisible(), false, await warned.textContent());
    assert.ok(await feed.locator(".card").count() > 0);
    await close();
  } finally {
    await product.stop();
  }
});

test("where tokens are on, the page asks for one, says that a wrong one is wrong, and names nobody", async () => {
  const directory = mkdtempSync(join(tmpdir(), "moodfeed-tokens-"));
  const line = (name, token, scopes) => `${name}:${createHash("sha256").update(token).digest("hex")}:${scopes}\n`;
  writeFileSync(join(directory, "tokens"), line("all", "all-secret", "feeds,feedback") + line("reader", "reader-secret", "feeds"));
  const product = await startProduct({ layout: "one", settings: { MOODFEED_GATEWAY_API_TOKENS_FILE: join(directory, "tokens") } });
  try {
    const { page, close } = await openPage(browser);
    await page.goto(`${product.url}/?username=somebody`);
    const give = async (token) => {
      await page.locator("#token[open]").waitFor();
      await page.locator("#token input").fill(token);
      await page.keyboard.press("Enter");
    };
    await page.locator("#token[open]").waitFor();
    assert.deepEqual(await violations(page), []);
    await give("a wrong one");
    await page.locator("#token-told", { hasText: "The gateway rejected that token." }).waitFor();
    await give("all\u200bsecret"); // pasted with a space that no header can hold: the page must not be stuck with it
    await page.locator("#token-told", { hasText: "The gateway rejected that token." }).waitFor();
    await give("reader-secret");
    const feed = await feedOf(page);
    assert.equal(await page.locator("#people option").count(), 0);
    await feed.locator('[data-verb="LIKE"]').first().click();
    await page.locator(".told", { hasText: "This token lacks the scope" }).waitFor();
    assert.ok(!page.url().includes("secret"));
    await page.evaluate(() => sessionStorage.clear());
    await page.reload();
    await page.locator("#token[open]").waitFor();
    await page.keyboard.press("Escape");
    await page.locator(".warned", { hasText: "This gateway requires an API token." }).waitFor();
    await page.locator(".warned button").click();
    await give("all-secret");
    await feedOf(page);
    await page.locator('[data-verb="LIKE"]').first().click();
    await page.locator(".deeds li").waitFor();
    await close();
  } finally {
    await product.stop();
    rmSync(directory, { recursive: true });
  }
});
