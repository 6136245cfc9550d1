// The posts' own media: loaded by the setting and from their host alone; without it nothing leaves this machine.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { feedOf, openBrowser, openPage } from "./browser.mjs";
import { startMediaServer } from "./media_server.mjs";
import { startProduct } from "./product.mjs";

const HLS_JS = "/explorer/hls.light.min.mjs";
let media, browser;
before(async () => { [media, browser] = await Promise.all([startMediaServer(), openBrowser()]); });
after(() => Promise.all([media?.stop(), browser?.close()]));

/** Posts of a person who posts nothing else, in a category that has few: they are in its feed. */
async function post(product, name) {
  const body = { title: name, category_id: 5, video_link: `${media.url}/${name}`, thumbnail_url: `${media.url}/picture.png`, owner_username: "media" };
  const { position } = await product.ask(`/posts/external:${name}`, { method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  for (;;) {
    const { state } = await product.ask(`/posts/external:${name}`);
    if (state !== "PENDING") return position;
  }
}

async function opened(product, { nativeStreams = true } = {}) {
  const it = await openPage(browser);
  if (!nativeStreams) await it.page.addInitScript(() => { HTMLMediaElement.prototype.canPlayType = () => ""; });
  await it.page.goto(`${product.url}/?username=somebody&category_id=5`);
  const feed = await feedOf(it.page);
  const card = (name) => feed.locator(".card", { hasText: name });
  return { ...it, card };
}

test("with the setting the picture is shown, and a video and a stream play, with hls.js only where it is needed", async () => {
  const product = await startProduct({ layout: "one", settings: { MOODFEED_GATEWAY_EXPLORER_MEDIA: "on" } });
  try {
    for (const name of ["clip.mp4", "stream.m3u8"]) await post(product, name);
    for (const nativeStreams of [true, false]) {
      const { page, requests, complaints, card, close } = await opened(product, { nativeStreams });
      await page.waitForFunction(() => document.querySelectorAll(".has-image").length >= 2);
      const plays = async (name) => {
        await card(name).locator(".picture").click();
        await page.waitForFunction((title) => [...document.querySelectorAll("video")].some((video) => video.getAttribute("aria-label") === title && video.currentTime > 0.3 && !video.error), name);
      };
      await plays("clip.mp4");
      assert.ok(!requests.some((url) => url.endsWith(HLS_JS)));
      await plays("stream.m3u8");
      const needsHlsJs = !nativeStreams || !(await page.evaluate(() => document.createElement("video").canPlayType("application/vnd.apple.mpegurl")));
      assert.equal(requests.some((url) => url.endsWith(HLS_JS)), needsHlsJs);
      const elsewhere = requests.filter((url) => !url.startsWith(product.url) && !url.startsWith("https://image.example.com/"));
      assert.ok(elsewhere.every((url) => url.startsWith(media.url)), elsewhere.join());
      assert.deepEqual(complaints.filter((each) => !/ERR_NAME_NOT_RESOLVED|ERR_INTERNET_DISCONNECTED|ERR_CONNECTION|ERR_TUNNEL/.test(each)), []); // the sample's own pictures have no host
      await close();
    }
    assert.deepEqual(media.asked.filter(({ referrer }) => referrer), [], "their host does not learn from which page");
  } finally {
    await product.stop();
  }
});

test("without the setting nothing is asked of another host, and the link is offered instead", async () => {
  const product = await startProduct({ layout: "one" });
  try {
    await post(product, "clip.mp4");
    media.asked.length = 0;
    const { page, requests, complaints, card, close } = await opened(product);
    await card("clip.mp4").locator(".picture").click();
    const link = page.locator("#dialog-body a");
    assert.deepEqual([await link.getAttribute("href"), await link.getAttribute("rel")], [`${media.url}/clip.mp4`, "noopener noreferrer"]);
    assert.deepEqual([requests.filter((url) => !url.startsWith(product.url)), media.asked, complaints], [[], [], []]);
    // What a page could do if it were told to: the policy forbids it.
    const refused = await page.evaluate((url) => Promise.allSettled([fetch(url), new Promise((done, fail) => { Object.assign(new Image(), { onload: done, onerror: fail, src: url }); })]), `${media.url}/picture.png`);
    assert.deepEqual(refused.map((each) => each.status), ["rejected", "rejected"]);
    assert.equal(complaints.length, complaints.filter((each) => /Content Security Policy/.test(each)).length, complaints.join());
    assert.deepEqual(media.asked, []);
    await close();
  } finally {
    await product.stop();
  }
});
