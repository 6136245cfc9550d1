// What one can do on the page, each thing as a person does it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { feedOf, idsOf, openBrowser, openPage } from "./browser.mjs";
import { startProduct, somebody } from "./product.mjs";

let product, browser, person;
before(async () => {
  [product, browser] = await Promise.all([startProduct(), openBrowser()]);
  person = await somebody(product);
});
after(() => Promise.all([product?.stop(), browser?.close()]));

async function at(query, options) {
  const opened = await openPage(browser, options);
  await opened.page.goto(`${product.url}/?${query}`);
  return { ...opened, feed: await feedOf(opened.page) };
}

test("known people are offered, and a mood is one click", async () => {
  const { page, close } = await openPage(browser);
  await page.goto(product.url);
  await page.locator(".pick", { hasText: person }).click();
  const feed = await feedOf(page);
  assert.ok(await page.locator("#people option").count() >= 5);
  const without = await idsOf(feed);
  await page.locator('[data-mood="😢"]').click();
  await page.waitForFunction((ids) => [...document.querySelectorAll(".cards > .card")].map((card) => card.dataset.postId).join() !== ids, without.join());
  assert.match(await feed.locator(".told").textContent(), /ranked by mood and for/);
  assert.equal(await page.locator('[data-mood="😢"]').getAttribute("aria-pressed"), "true");
  await close();
});

test("a link shows the same feeds, and one can go back", async () => {
  const { page, feed, close } = await at(`username=${person}`);
  await page.locator('select[name="category"]').selectOption({ index: 1 });
  await page.waitForFunction(() => location.search.includes("category_id="));
  await page.locator("#compare").click();
  await feedOf(page, 1);
  await page.locator('[data-mood="😂"]').nth(1).click();
  await page.waitForFunction(() => location.search.includes("with_mood="));
  await page.waitForFunction(() => document.querySelectorAll(".feed")[1].querySelector(".told").textContent.includes("mood"));
  const columns = async (each) => [await idsOf(await feedOf(each, 0)), await idsOf(await feedOf(each, 1))];
  const shown = await columns(page);
  const { page: other, close: closeOther } = await at(page.url().split("?")[1]);
  assert.deepEqual(await columns(other), shown);
  await closeOther();
  await page.goBack();
  await page.waitForFunction(() => !location.search.includes("with_mood="));
  assert.equal(await feed.count(), 1);
  await close();
});

test("why: in words, with the posts it is like, and what became of the mood", async () => {
  const { page, feed, close } = await at(`username=${person}&mood=calm`);
  await feed.locator('[data-act="why"]').first().click();
  await page.locator(".history li").first().waitFor();
  const words = await page.locator("#dialog-body").textContent();
  for (const part of [`close to the mood “calm”`, `It matches ${person}`, "The mood “calm” was understood as calm, because of “calm” (English).", `Most similar posts in the history of ${person}:`]) assert.ok(words.includes(part), words);
  await close();
  const { feed: other, close: closeOther } = await at(`username=${person}&mood=qwrtzpsd`);
  assert.match(await other.locator(".warned").textContent(), /Nothing in “qwrtzpsd” was understood as a mood/);
  await closeOther();
});

test("a post without a title shows its keywords", async () => {
  const { posts } = await product.ask(`/feed?username=${encodeURIComponent(person)}&page_size=100`);
  const untitled = posts.filter((post) => !post.title.trim());
  const { titles } = await product.ask(`/explorer/titles?post_ids=${untitled.map((post) => post.post_id).join()}`);
  const [id, words] = Object.entries(titles)[0];
  const { page, feed, close } = await at(`username=${person}`);
  const card = feed.locator(`.cards > .card[data-post-id="${id}"]`);
  while (!await card.count()) {
    const shown = await feed.locator(".cards > .card").count();
    await feed.locator(".more").click();
    await page.waitForFunction((before) => document.querySelectorAll(".cards > .card").length > before, shown);
  }
  assert.equal(await card.locator(".title").textContent(), words);
  await close();
});

test("similar posts, and from them on to others", async () => {
  const { page, feed, close } = await at(`username=${person}`);
  await feed.locator('[data-act="similar"]').first().click();
  await page.locator("dialog .card").first().waitFor();
  const title = await page.locator("#dialog-title").textContent();
  await page.locator('dialog .card:nth-child(2) [data-act="similar"]').click();
  await page.waitForFunction((before) => document.querySelector("#dialog-title").textContent !== before, title);
  assert.ok(await page.locator("dialog .card").count() > 1);
  await close();
});

test("stars are chosen without a prompt, changed, and taken back", async () => {
  const { page, feed, close } = await at("username=somebody who rates&category_id=5");
  const rate = async (stars) => {
    await feed.locator('[data-verb="RATING"]').first().click();
    await page.locator(`#stars input[value="${stars}"]`).check({ force: true });
    await page.locator('#stars button[value="rate"]').click();
    await page.locator(`[aria-label="Rate: ${stars} of 5 stars"]`).waitFor();
  };
  await rate(5);
  const rated = () => product.ask("/people/somebody%20who%20rates").then(({ interactions }) => interactions.filter(({ interaction }) => interaction.verb === "RATING").map(({ interaction, is_taken_back: isTakenBack }) => [interaction.rating_percent, isTakenBack]));
  assert.deepEqual(await rated(), [[100, false]]);
  await page.locator('[aria-label="Rate: 5 of 5 stars"]').click();
  await page.locator('#stars input[value="2"]').check({ force: true });
  await page.locator('#stars button[value="rate"]').click();
  await page.locator('[aria-label="Rate: 2 of 5 stars"]').waitFor();
  assert.deepEqual(await rated(), [[100, true], [40, false]]);
  await page.locator(".deeds button").first().click();
  await page.locator(".deeds").waitFor({ state: "hidden" });
  assert.deepEqual(await rated(), [[100, true], [40, true]]);
  await close();
});

test("what does not interest leaves the feed; where nothing is left, the page says what to do, and undo brings it back", async () => {
  const { page, feed, close } = await at("username=somebody picky&category_id=5");
  for (let left = await feed.locator(".cards > .card").count(); left > 0; left--) {
    await feed.locator('[data-verb="NOT_INTERESTED"]').first().click();
    await page.waitForFunction((count) => document.querySelectorAll(".cards > .card").length === count, left - 1);
  }
  assert.match(await feed.locator(".empty").textContent(), /No posts here.*Try another category/);
  await page.locator(".deeds button").first().click();
  await feed.locator(".cards > .card").first().waitFor();
  await close();
});

test("two feeds side by side: with a like and without it", async () => {
  const { page, close } = await at("username=somebody who compares&mood=calm&with_username=somebody who compares&with_mood=calm");
  const one = await feedOf(page, 0), other = await feedOf(page, 1);
  await page.waitForFunction(() => document.querySelector("#both").textContent.startsWith("12 posts are in both feeds, 12 of them"));
  await other.locator(".options summary").click();
  await other.locator(".hold").click();
  const before = await idsOf(other);
  await one.locator('[data-verb="LIKE"]').first().click();
  await page.locator(".deeds li").first().waitFor();
  await page.waitForFunction(() => !document.querySelector("#both").textContent.startsWith("12 posts are in both feeds, 12 of them"));
  assert.deepEqual(await idsOf(other), before);
  assert.notDeepEqual(await idsOf(one), before);
  await close();
});

test("a new post is found at once", async (t) => {
  const { page, close } = await at(`username=${person}`);
  await page.locator("#add").click();
  await page.locator('input[name="title"]').fill("Rain on the window");
  await page.locator('input[name="description"]').fill("A quiet evening, soft rain, a cat asleep");
  await page.locator('dialog input[name="video_link"]').fill("https://example.com/rain.mp4");
  await page.locator("#dialog button.main").click();
  await page.locator("dialog .lead").waitFor();
  const words = await page.locator("dialog .lead").textContent();
  assert.match(words, /^Found .+ after “Add”, at place \d+ of its category/);
  assert.equal(await page.locator("dialog .title").textContent(), "Rain on the window");
  t.diagnostic(words);
  await close();
});

test("the health panel says what the system is made of and how fresh it is", async () => {
  const { page, feed, close } = await at("username=somebody healthy&mood=calm");
  await feed.locator('[data-verb="LIKE"]').first().click();
  await page.locator(".deeds li").waitFor();
  await page.locator("#health").click();
  await page.locator("#health-counters dd").first().waitFor();
  const words = await page.locator("#dialog-body").innerText();
  for (const part of [/Status\s+Ready/, /Bundle\s+[0-9a-f]{64}/, /last feed: [1-9]\d*; last recorded action: [1-9]/, /Click to updated feed\s+\d/, /Gateway stages\s+\w[^]*? \d+\.\d ms/, /post index service: 1, user tower service: 1|user tower service: 1, post index service: 1/]) assert.match(words, part);
  await close();
});
