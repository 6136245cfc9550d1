// How healthy the system is: a word in the header, and a panel with what the gateway says of itself.

import { openDialog } from "./dialogs.js";
import { $, make } from "./elements.js";
import { ask, written } from "./gateway.js";
import { degradationIn, milliseconds } from "./words.js";

const EVERY_MS = 5_000, KEPT = 50, SHOWN_DEGRADATIONS = 5;
const WORDS = { ready: "Ready", degraded: "Degraded", "not ready": "Not ready", silent: "No answer" };
const known = { state: "silent", missing: [], degraded: [], feeds: [], degradations: [], freshness: [], stages: [], feed: undefined };

/** Note a feed that came: what it was made from, how long it took, what it lacks. */
export function noteFeed(feed, { took, stages }) {
  known.feed = feed;
  known.stages = stages;
  known.feeds = [...known.feeds, took].slice(-KEPT);
  for (const each of feed.degradations) known.degradations.push({ at: Date.now(), words: degradationIn(each) });
  draw();
}

/** Note how long it took from a click to the feed that shows it. */
export function noteFreshness(took) {
  known.freshness = [...known.freshness, took].slice(-KEPT);
  draw();
}

export function watchHealth() {
  $("#health").onclick = openHealth;
  look();
  setInterval(() => { if (!document.hidden) look(); }, EVERY_MS);
}

async function look() {
  try {
    const answer = await (await fetch("/readyz")).json();
    Object.assign(known, { missing: answer.missing ?? [], degraded: answer.degraded ?? [] });
    known.state = answer.status === "ready" && known.degraded.length ? "degraded" : answer.status;
  } catch {
    Object.assign(known, { state: "silent", missing: [], degraded: [] });
  }
  draw();
}

function draw() {
  const button = $("#health");
  button.dataset.state = known.state;
  const words = WORDS[known.state] ?? known.state;
  if ($(".health-word", button).textContent !== words) {
    $(".health-word", button).textContent = words;
    $("#announced").textContent = `System health: ${words}.`;
  }
  const list = $("#health-list");
  if (list) list.replaceChildren(...rows());
}

export async function openHealth() {
  const list = make("dl", { id: "health-list" });
  const counters = make("dl", { id: "health-counters" });
  openDialog("System health", list, counters, make("p", {}, make("a", { href: "/metrics", textContent: "All metrics" }), " · ", make("a", { href: "/docs", textContent: "HTTP API" })));
  draw();
  look();
  const text = await fetch("/metrics").then((answer) => (answer.ok ? answer.text() : ""), () => "");
  counters.replaceChildren(...countersIn(text));
}

function rows() {
  const { feed, feeds, freshness, degradations, stages } = known;
  const newest = [...degradations].reverse().slice(0, SHOWN_DEGRADATIONS);
  return [
    ["Status", `${WORDS[known.state] ?? known.state}${known.state === "silent" ? ": the gateway does not answer" : ""}`],
    ["Unavailable", known.missing.map(serviceIn).join(", ") || "none"],
    ["Degraded", known.degraded.map(serviceIn).join(", ") || "none"],
    ["Bundle", feed?.bundle_id ?? "no feed yet"],
    ["Log position", feed ? `last feed: ${feed.position}; last recorded action: ${written.position || "none yet"}` : "no feed yet"],
    ["Click to updated feed", freshness.length ? `${milliseconds(freshness.at(-1))} last, ${milliseconds(middle(freshness))} median` : "no action yet"],
    ["Feed latency", feeds.length ? `${milliseconds(feeds.at(-1))} last, ${milliseconds(middle(feeds))} median of ${feeds.length} on this page` : "no feed yet"],
    ["Gateway stages", stages.map(([name, duration]) => `${name.replaceAll(/[_.]/g, " ")} ${duration.toFixed(1)} ms`).join(", ") || "not available"],
    ["Recent degradations", newest.map(({ at, words }) => `${new Date(at).toLocaleTimeString()}: ${words}`).join("; ") || "none"],
  ].flatMap(([name, value]) => [make("dt", { textContent: name }), make("dd", { textContent: value })]);
}

const serviceIn = (name) => name.replaceAll("_", " ");
const middle = (numbers) => numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)];

/** What of the gateway's metrics a person understands. */
function countersIn(text) {
  const values = text.split("\n").map((line) => /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line)).filter(Boolean)
    .map(([, name, labels = "", value]) => ({ name, labels, value: Number(value) }));
  const sum = (name, test) => values.filter((each) => each.name === name && test(each.labels)).reduce((total, each) => total + each.value, 0);
  const feeds = sum("moodfeed_http_requests_total", (labels) => labels.includes('path="/feed"'));
  const failed = sum("moodfeed_http_requests_total", (labels) => /code="5/.test(labels));
  const well = values.filter((each) => each.name === "moodfeed_downstream_replicas_well");
  const pending = values.find((each) => each.name === "moodfeed_index_pending_posts");
  return [
    well.length && ["Healthy replicas", well.map(({ labels, value }) => `${serviceIn(/service="([^"]*)"/.exec(labels)?.[1] ?? "")}: ${value}`).join(", ")],
    feeds && ["HTTP requests since start", `${feeds} for feeds; ${failed} of any kind answered with a 5xx`],
    pending && ["Posts not searchable yet", `${pending.value}`],
  ].filter(Boolean).flatMap(([name, value]) => [make("dt", { textContent: name }), make("dd", { textContent: value })]);
}
