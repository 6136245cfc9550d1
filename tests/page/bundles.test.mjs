// Two bundles that are held at once, side by side on the page: the same people and posts, with other embeddings.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";

import { feedOf, idsOf, openBrowser, openPage } from "./browser.mjs";
import { startProduct } from "./product.mjs";

const ROOT = resolve(import.meta.dirname, "../..");
const WRITE = `
import sys
from pathlib import Path
from benchmarks.synthetic import Size, write_synthetic_bundle
size = Size(posts=300, users=20, categories=2, category_posts=100)
print(*(write_synthetic_bundle(Path(sys.argv[1]), size, seed=seed).name for seed in (1, 2)))
`;
const POINT = "import sys; from pathlib import Path; from bundle.directory import point_current_at; point_current_at(Path(sys.argv[1]), sys.argv[2])";

const python = (program, ...given) => execFileSync(join(ROOT, ".venv/bin/python"), ["-c", program, ...given], { cwd: ROOT, encoding: "utf8" }).trim();

let bundles, old, fresh, product, browser;
before(async () => {
  bundles = mkdtempSync(join(tmpdir(), "moodfeed-page-bundles-"));
  [old, fresh] = python(WRITE, bundles).split(" ");
  python(POINT, bundles, old);
  [product, browser] = await Promise.all([startProduct({ layout: "one", bundles }), openBrowser()]);
});
after(async () => {
  await Promise.all([product?.stop(), browser?.close()]);
  rmSync(bundles, { recursive: true, force: true });
});

const feedIn = (bundle) => product.ask(`/feed?username=user1&page_size=12&required_bundle_id=${bundle}`);
const bundleOf = (feed) => feed.locator('select[name="bundle"]');

async function untilIdsAre(page, column, ids) {
  await page.waitForFunction(([at, wanted]) => [...document.querySelectorAll(".feed")[at].querySelectorAll(".cards > .card")].map((card) => card.dataset.postId).join() === wanted, [column, ids.join()]);
}

test("the feeds of the previous and the current bundle stand side by side, and a link shows both", async () => {
  const { page, complaints, close } = await openPage(browser);
  await page.goto(`${product.url}/?username=user1`);
  const first = await feedOf(page);
  const ofOld = await idsOf(first);
  assert.equal((await feedIn("")).bundle_id, old);

  python(POINT, bundles, fresh);
  for (const deadline = Date.now() + 60_000; (await feedIn("")).bundle_id !== fresh;) {
    assert.ok(Date.now() < deadline, "the new bundle is not current after a minute");
    await new Promise((done) => { setTimeout(done, 200); });
  }
  const [earlier, now] = [await feedIn(old), await feedIn(fresh)];
  assert.deepEqual([earlier.bundle_id, now.bundle_id], [old, fresh]);
  const [ofBefore, ofFresh] = [earlier, now].map((answer) => answer.posts.map((post) => String(post.post_id)));
  assert.deepEqual(ofBefore, ofOld);
  assert.notDeepEqual(ofFresh, ofOld);

  await page.locator("#compare").click();
  const second = await feedOf(page, 1);
  await untilIdsAre(page, 1, ofFresh);
  await first.locator(".options summary").click();
  await bundleOf(first).selectOption(old);
  await untilIdsAre(page, 0, ofOld);
  assert.deepEqual(await idsOf(second), ofFresh);
  await page.waitForFunction((id) => location.search.includes(`bundle_id=${id}`), old);
  assert.match(await page.locator("#both").textContent(), /\d/);

  const { page: other, close: closeOther } = await openPage(browser);
  await other.goto(page.url());
  await feedOf(other, 1);
  assert.deepEqual([await idsOf(await feedOf(other)), await idsOf(await feedOf(other, 1))], [ofOld, ofFresh]);
  assert.equal(await bundleOf(await feedOf(other)).inputValue(), old);
  assert.deepEqual(complaints, []);
  await closeOther();
  await close();
});
