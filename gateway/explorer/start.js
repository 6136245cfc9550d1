// The page as a whole: its feeds, its toolbar, its address and its keys.

import { questionsIn, showInAddress } from "./address.js";
import { showAlone } from "./card.js";
import { bothIn } from "./changes.js";
import { $ } from "./elements.js";
import { Feed } from "./feed.js";
import { ask } from "./gateway.js";
import { noteFeed, noteFreshness, openHealth, watchHealth } from "./health.js";
import { listenForKeys, openHelp } from "./keys.js";
import { openNewPost } from "./new_post.js";
import { invite, knownPeople, offerPeople } from "./people.js";

const feeds = [];
const shared = { categories: [], settings: { media: false, people: false }, titles: new Map(), bundles: new Set() };
let people = [];

/** The categories, once the gateway tells them: those of a page that was opened too early come with its first feed. */
async function learnCategories() {
  shared.categories.push(...(await ask("/categories")).categories);
  for (const feed of feeds) feed.offerCategories();
}

const on = {
  asked: () => showInAddress(questions(), { isNew: true }),
  shown(answer, timed) {
    $("#note").textContent = "";
    shared.bundles.add(answer.bundle_id);
    for (const each of feeds) each.offerBundles();
    noteFeed(answer, timed);
    compare();
    if (!shared.categories.length) learnCategories().catch(() => {}); // the feed has said what is wrong
  },
  empty: (feed, place) => invite(place, people, (username) => { feed.question = { ...feed.question, username }; feed.ask(); }),
  failed: () => {},
  async done(feed, { username, after, focus, started }) {
    const concerned = feeds.filter((each) => each.username === username && !each.isHeld);
    await Promise.all(concerned.map((each) => each.show({ after, focus: each === feed ? focus : undefined })));
    for (const each of feeds) each.showDeedList();
    noteFreshness(performance.now() - started);
  },
};

const questions = () => feeds.map((feed) => feed.question);

function addFeed(question) {
  const feed = new Feed(question, { ...shared, on });
  feeds.push(feed);
  $("#feeds").append(feed.node);
  $("#feeds").classList.toggle("two", feeds.length === 2);
  return feed;
}

function compare() {
  const [one, other] = feeds;
  const isBoth = feeds.length === 2 && one.page.length && other.page.length;
  $("#both").hidden = !isBoth;
  if (isBoth) $("#both").textContent = bothIn(...feeds.map((feed) => feed.page.map((post) => post.post_id)));
  const isMixed = isBoth && one.page.some((post) => other.nodes.has(post.post_id)); // where nothing is shared, nothing stands out
  for (const feed of feeds) {
    const others = feeds.find((each) => each !== feed);
    for (const [id, card] of feed.nodes) showAlone(card, Boolean(isMixed && !others.nodes.has(id)));
  }
}

async function toggleTwo() {
  const isTwo = feeds.length === 2;
  if (isTwo) feeds.pop().node.remove();
  else await addFeed(feeds[0].question).show();
  $("#feeds").classList.toggle("two", !isTwo);
  $("#compare").setAttribute("aria-pressed", String(!isTwo));
  showInAddress(questions(), { isNew: true });
  compare();
}

function newPost() {
  openNewPost({ ...shared, username: feeds[0].username, added: () => Promise.all(feeds.filter((feed) => !feed.isHeld).map((feed) => feed.show())) });
}

/** Show what the address asks for, as when a link is opened or one goes back. */
async function follow() {
  const asked = questionsIn(location.search);
  while (feeds.length > asked.length) feeds.pop().node.remove();
  while (feeds.length < asked.length) addFeed({});
  $("#feeds").classList.toggle("two", asked.length === 2);
  $("#compare").setAttribute("aria-pressed", String(asked.length === 2));
  feeds.forEach((feed, place) => { feed.question = asked[place]; });
  await Promise.all(feeds.map((feed) => feed.show()));
  compare();
}

async function begin() {
  Object.assign(shared.settings, await ask("/explorer/settings.json").catch(() => ({})));
  await Promise.all([
    learnCategories().catch((error) => { $("#note").textContent = error.message; }),
    knownPeople(shared.settings).then((names) => { people = names; offerPeople(names); }),
  ]);
  $("#compare").onclick = toggleTwo;
  $("#add").onclick = newPost;
  $("#help").onclick = openHelp;
  listenForKeys({
    "?": openHelp, c: toggleTwo, a: newPost, h: openHealth,
    "/": () => feeds[0].form.username.focus(), e: () => feeds[0].form.mood.focus(),
  });
  watchHealth();
  addEventListener("popstate", follow);
  await follow();
}

begin();
