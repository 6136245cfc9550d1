"""What the TypeScript client decides by itself, in Node and in a page without a bundler."""

from pathlib import Path

import pytest

from tests.clients.browser import BrowserPage, chromium
from tests.clients.conftest import run
from tests.clients.gateways import World

BUNDLE = "node_modules/moodfeed-client/dist/browser.js"
CHECKS = """
import assert from "node:assert/strict";
import * as moodfeed from "moodfeed-client/node";

const [grpc, http, absent, absentHttp] = process.argv.slice(2);
const clients = (options) => [
  moodfeed.grpcClient({ address: grpc, ...options }),
  moodfeed.httpClient({ url: http, ...options }),
];
const took = async (call) => {
  const started = performance.now();
  const error = await call().then(() => undefined, (error) => error);
  return [error, performance.now() - started];
};

for (const client of clients()) {
  const reason = new Error("the page was closed");
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), 100);
  const [error, ms] = await took(() => client.feed({ username: "ana" }, { signal: controller.signal }));
  assert.equal(error, reason);
  assert.ok(ms < 2_000, `${ms}`);
  const [before] = await took(() => client.feed({ username: "ana" }, { signal: controller.signal }));
  assert.equal(before, reason);
  const [late, lateMs] = await took(() => client.feed({ username: "ana" }, { timeoutMs: 200 }));
  assert.ok(late instanceof moodfeed.DeadlineError, String(late));
  assert.ok(lateMs < 2_000, `${lateMs}`);
  client.close();
}

const waiting = { firstWaitMs: 60_000, longestWaitMs: 60_000 };
for (const client of [
  moodfeed.grpcClient({ address: absent, retries: waiting, timeoutMs: 300_000 }),
  moodfeed.httpClient({ url: absentHttp, retries: waiting, timeoutMs: 300_000 }),
]) {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 300);
  const [error, ms] = await took(() => client.feed({ username: "ana" }, { signal: controller.signal }));
  assert.equal(error.name, "AbortError"); // while it waited for the next attempt
  assert.ok(ms < 2_000, `${ms}`);
  client.close();
}

const { UnavailableError, RateLimitedError, NoStoreError, DEFAULT_RETRIES, waitMs } = moodfeed;
const failure = (kind, retryAfterMs) => new kind({ status: "X", reason: "", message: "", retryAfterMs });
const after = (error, more) => waitMs(DEFAULT_RETRIES, error, { attempt: 1, msLeft: 1_000, mayRepeat: true, ...more });
assert.equal(after(failure(RateLimitedError, 750), { mayRepeat: false }), 750);
assert.equal(after(failure(RateLimitedError, 1_000)), undefined);
assert.equal(after(failure(RateLimitedError, -1)), undefined);
assert.equal(after(failure(RateLimitedError)), undefined);
assert.equal(after(failure(NoStoreError)), undefined);
assert.equal(after(failure(UnavailableError), { mayRepeat: false }), undefined);
assert.equal(after(failure(UnavailableError), { attempt: 5 }), undefined);
assert.ok(after(failure(UnavailableError)) >= 50);

const page = (ids, nextPageToken) => ({ posts: ids.map((postId) => ({ postId })), nextPageToken });
let calls = 0;
const ask = async (token) => {
  calls += 1;
  if (calls === 3) throw new moodfeed.PageTokenError({ status: "INVALID_ARGUMENT", reason: "", message: "" });
  return token === "" ? page([1n, 2n], "a") : token === "a" ? page([3n, 4n], "b") : page([5n], "");
};
const pages = new moodfeed.Pages(ask, { restart: true });
const found = [];
for await (const post of pages.posts()) found.push(post.postId);
assert.deepEqual([found, pages.restarts, calls], [[1n, 2n, 3n, 4n, 5n], 1, 6]);
console.log("done");
"""
CROSS_ORIGIN = """
import * as moodfeed from "/moodfeed.js";
const found = {};
const ask = async (name, url) => {
  try {
    const feed = await moodfeed.httpClient({ url, retries: { attempts: 1 } }).feed({ username: "KNOWN", mood: "calm" });
    found[name] = feed.posts.length;
  } catch (error) {
    found[name] = error.name;
  }
};
await ask("allowed", "OPEN");
found.own = (await moodfeed.httpClient().categories())[0].name;
await fetch("/results", { method: "POST", body: JSON.stringify(found) });
"""


def test_aborting_deadlines_waits_and_pages(world: World, node_project: Path) -> None:
    (node_project / "checks.mjs").write_text(CHECKS, encoding="utf-8")
    silent, absent = world.gateways["silent"], world.gateways["absent"]
    command = ["node", "checks.mjs", silent["grpc"], silent["http"], absent["grpc"], absent["http"]]
    assert run(command, node_project) == "done\n"


def test_a_page_without_a_bundler_gets_a_feed_of_another_origin_and_answers_of_its_own(
    world: World, node_project: Path, page: BrowserPage
) -> None:
    if chromium() is None:
        pytest.skip("there is no Chromium on this machine")
    script = CROSS_ORIGIN.replace("KNOWN", str(world.names["known"])).replace(
        "OPEN", str(world.gateways["open"]["http"])
    )
    own = b'{"categories": [{"category_id": 1, "name": "of the page\'s origin", "post_count": 1}]}'
    files = {"/moodfeed.js": (node_project / BUNDLE).read_bytes(), "/categories": own}
    assert page.open(script, files) == {"allowed": 10, "own": "of the page's origin"}


def test_a_page_of_an_origin_that_is_not_allowed_is_told_that_nothing_answers(world: World, node_project: Path) -> None:
    if chromium() is None:
        pytest.skip("there is no Chromium on this machine")
    script = CROSS_ORIGIN.replace("KNOWN", str(world.names["known"])).replace(
        "OPEN", str(world.gateways["open"]["http"])
    )
    own = b'{"categories": [{"category_id": 1, "name": "of another page", "post_count": 1}]}'
    with BrowserPage() as other:
        files = {"/moodfeed.js": (node_project / BUNDLE).read_bytes(), "/categories": own}
        assert other.open(script, files) == {"allowed": "UnavailableError", "own": "of another page"}
