// Record over HTTP that a person likes a post, then print their next feed: node like_http.mjs USERNAME POST_ID
// MOODFEED_URL is the gateway's HTTP address; MOODFEED_API_TOKEN is a token with the scopes feeds and feedback, if the
// gateway needs one.
// This is bare HTTP; in a project of your own use the client of clients/typescript (docs/clients.md).
import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";

const url = process.env.MOODFEED_URL ?? "http://127.0.0.1:8000";
const token = process.env.MOODFEED_API_TOKEN;
const authorization = token ? { authorization: `Bearer ${token}` } : {};
const MOST_ATTEMPTS = 5;

async function ask(path, options = {}) {
  for (let attempt = 1; ; attempt += 1) {
    const reply = await fetch(`${url}${path}`, {
      ...options,
      headers: { ...authorization, ...options.headers },
      signal: AbortSignal.timeout(10_000),
    });
    const body = await reply.json();
    if (reply.ok) return body;
    const seconds = reply.headers.get("retry-after"); // present where a later attempt may succeed
    if (seconds === null || attempt === MOST_ATTEMPTS) {
      throw new Error(`${body.error.status}: ${body.error.message}`);
    }
    await setTimeout(1_000 * Number(seconds));
  }
}

const [username, postId] = process.argv.slice(2);
// An id of our own makes a repetition safe: the event is recorded once, however often it is sent.
const like = { event_id: randomUUID(), username, post_id: postId, verb: "LIKE" };
try {
  const recorded = await ask("/interactions", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ interactions: [like] }),
  });
  const [{ result, reason }] = recorded.results;
  if (result === "REJECTED") throw new Error(`REJECTED: ${reason}`);
  console.log(result);
  const query = new URLSearchParams({ username, at_least_position: String(recorded.position), ids: "string" });
  const feed = await ask(`/feed?${query}`);
  for (const post of feed.posts) console.log(post.post_id);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
