// Run the cases of clients/conformance/cases.json through a client, in Node or in a browser.
// The results are judged by tests/clients/test_conformance.py.
import { fromJson, toJson } from "@bufbuild/protobuf";
import * as moodfeed from "moodfeed-client";
import { CatalogService } from "moodfeed-client/contract/catalog";
import { FeedService } from "moodfeed-client/contract/feed";
import { FeedbackService, InteractionSchema } from "moodfeed-client/contract/feedback";
import { RuleService } from "moodfeed-client/contract/rules";

const feeds = FeedService.method;
const people = FeedbackService.method;
const posts = CatalogService.method;
const rules = RuleService.method;

// Each call: the schema of its arguments, how the client is called, and the schema of what it gives.
const CALLS = {
  feed: [feeds.getFeed.input, (client, request) => client.feed(request), feeds.getFeed.output],
  feed_pages: [feeds.getFeed.input, (client, request, options) => client.feedPages(request, options)],
  feeds: [
    feeds.getFeeds.input,
    (client, { feeds, distinct }) => client.feeds(feeds, { distinct }),
    feeds.getFeeds.output.field.results.message,
  ],
  similar: [feeds.getSimilarPosts.input, (client, request) => client.similar(request), feeds.getSimilarPosts.output],
  similar_pages: [feeds.getSimilarPosts.input, (client, request, options) => client.similarPages(request, options)],
  trending: [feeds.listTrending.input, (client, request) => client.trending(request), feeds.listTrending.output],
  trending_pages: [feeds.listTrending.input, (client, request, options) => client.trendingPages(request, options)],
  categories: [
    feeds.listCategories.input,
    (client) => client.categories(),
    feeds.listCategories.output.field.categories.message,
  ],
  record: [InteractionSchema, (client, request) => client.record(request), people.recordInteractions.output],
  record_interactions: [
    people.recordInteractions.input,
    (client, { interactions }) => client.recordInteractions(interactions),
    people.recordInteractions.output,
  ],
  export_person: [
    people.exportPerson.input,
    (client, { username }) => client.exportPerson(username),
    people.exportPerson.output,
  ],
  delete_person: [people.deletePerson.input, (client, { username }) => client.deletePerson(username)],
  merge_people: [
    people.mergePeople.input,
    (client, { mergedUsername, intoUsername }) => client.mergePeople(mergedUsername, intoUsername),
  ],
  upsert_posts: [posts.upsertPosts.input, (client, { posts }) => client.upsertPosts(posts), posts.upsertPosts.output],
  delete_posts: [posts.deletePosts.input, (client, names) => client.deletePosts(names)],
  posts: [posts.getPosts.input, (client, names) => client.posts(names), posts.getPosts.output.field.posts.message],
  set_rule: [rules.setRule.input, (client, { rule }) => client.setRule(rule)],
  delete_rule: [rules.deleteRule.input, (client, { name }) => client.deleteRule(name)],
  rules: [rules.listRules.input, (client) => client.rules(), rules.listRules.output.field.rules.message],
};

function resolve(value, known) {
  if (Array.isArray(value)) return value.map((item) => resolve(item, known));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolve(item, known)]));
  }
  if (typeof value === "string" && value.startsWith("$")) {
    return value
      .slice(1)
      .split(".")
      .reduce((found, part) => found?.[part], known);
  }
  return value;
}

function plain(schema, answer) {
  if (typeof answer === "bigint") return { position: String(answer) };
  if (Array.isArray(answer)) return answer.map((item) => plain(schema, item));
  return toJson(schema, answer, { useProtoFieldName: true, alwaysEmitImplicit: true });
}

const LONGEST_WAIT_MS = 20_000; // for what a step waits for

// Whether a result has the value that a step waits for: until is its path and the value.
function isSo(until, result) {
  if (!until) return true;
  const [path, wanted] = until;
  return path.split(".").reduce((found, part) => found?.[part], result) === wanted;
}

async function pagesOf(pages, pauseMs) {
  const found = [];
  for await (const page of pages) {
    found.push(page.posts.map((post) => String(post.postId)));
    if (found.length === 1 && pauseMs) await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return {
    page_sizes: found.map((page) => page.length),
    post_ids: found.flat(),
    restarts: pages.restarts,
    next_page_token: pages.nextPageToken,
  };
}

function errorOf(error) {
  const exported = Object.entries(moodfeed).filter(([, item]) => item.prototype instanceof Error);
  const classes = exported.filter(([, kind]) => error instanceof kind).map(([name]) => name);
  if (!classes.includes(error.name)) throw error;
  return {
    status: error.status,
    reason: error.reason,
    message: error.text,
    classes,
    says_when: error.retryAfterMs !== undefined,
  };
}

async function runStep(client, step) {
  const [input, call, output] = CALLS[step.call];
  try {
    const answer = await call(client, fromJson(input, step.with ?? {}), { restart: step.restart });
    if (answer instanceof moodfeed.Pages) return { ok: await pagesOf(answer, step.pause_ms) };
    return { ok: plain(output, answer) };
  } catch (error) {
    if (!(error instanceof moodfeed.MoodfeedError)) return { crashed: String(error?.stack ?? error) };
    return { error: errorOf(error) };
  } finally {
    client.close();
  }
}

/** What each step of each case gave; open makes a client of a gateway of the world. */
export async function runCases(cases, world, open) {
  const results = {};
  for (const { name, steps } of cases) {
    const known = { ...world.names };
    results[name] = [];
    for (const written of steps) {
      const step = resolve(written, known);
      const gateway = world.gateways[step.gateway ?? "open"];
      const options = {
        token: step.client?.token ?? gateway.token,
        timeoutMs: step.client?.timeout_ms ?? 20_000,
        retries: { attempts: step.client?.attempts ?? 5 },
      };
      const started = performance.now();
      let result = await runStep(open(gateway, options), step);
      while (!isSo(step.until, result) && performance.now() < started + LONGEST_WAIT_MS) {
        await new Promise((resolve) => setTimeout(resolve, 200));
        result = await runStep(open(gateway, options), step);
      }
      results[name].push({ ...result, ms: Math.round(performance.now() - started) });
      if (written.save) known[written.save] = result.ok;
    }
  }
  return results;
}
