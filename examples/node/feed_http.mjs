// Print a whole feed over HTTP, page by page: node feed_http.mjs USERNAME [MOOD]
// MOODFEED_URL is the gateway's HTTP address; MOODFEED_API_TOKEN is the token, if the gateway needs one.
// This is bare HTTP; in a project of your own use the client of clients/typescript (docs/clients.md).
import { setTimeout } from "node:timers/promises";

const url = process.env.MOODFEED_URL ?? "http://127.0.0.1:8000";
const token = process.env.MOODFEED_API_TOKEN;
const headers = token ? { authorization: `Bearer ${token}` } : {};
const MOST_ATTEMPTS = 5;

async function getPage(query) {
  for (let attempt = 1; ; attempt += 1) {
    const reply = await fetch(`${url}/feed?${query}`, { headers, signal: AbortSignal.timeout(10_000) });
    const body = await reply.json();
    if (reply.ok) return body;
    const seconds = reply.headers.get("retry-after"); // present where a later attempt may succeed
    if (seconds === null || attempt === MOST_ATTEMPTS) {
      throw new Error(`${body.error.status}: ${body.error.message}`);
    }
    await setTimeout(1_000 * Number(seconds));
  }
}

const [username, ...mood] = process.argv.slice(2);
const query = new URLSearchParams({ username, mood: mood.join(" "), page_size: "20" });
try {
  for (;;) {
    const page = await getPage(query);
    for (const post of page.posts) {
      console.log([post.external_id || post.post_id, post.ranking_score.toFixed(3), post.title.replaceAll("\n", " ")].join("\t"));
    }
    if (!page.next_page_token) break;
    query.set("page_token", page.next_page_token);
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
