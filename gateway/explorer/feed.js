// One column: a question, the posts that answer it, and what the person does with them.

import { newCard, showDeeds, showPlace, showPost } from "./card.js";
import { changesIn, changesOf, movement } from "./changes.js";
import { deedsOf, deedsWith, record, takeBack } from "./deeds.js";
import { $, copyOf, icon, make } from "./elements.js";
import { ask, withQuery, written } from "./gateway.js";
import { moodSentence, explain } from "./why.js";
import { palette, press } from "./moods.js";
import { play } from "./player.js";
import { showSimilar } from "./similar.js";
import { chooseStars } from "./stars.js";
import { addStandIns } from "./titles.js";
import { allowAsking } from "./token.js";
import { count, DEEDS, degradationIn, milliseconds, rankingIn, titleOf } from "./words.js";

const PAGE_SIZE = 12, SHOWN_DEEDS = 6;

export class Feed {
  /** `on` is told what happened: asked, shown, done, failed. */
  constructor(question, { categories, settings, titles, bundles, on }) {
    Object.assign(this, { categories, settings, titles, bundles, on, asked: 0, page: [], nodes: new Map(), shownBy: new Map(), isHeld: false });
    this.node = copyOf("feed");
    this.form = $("form", this.node);
    this.cards = $(".cards", this.node);
    palette($(".palette", this.node), (emoji) => { this.form.mood.value = emoji; this.ask(); });
    this.offerCategories();
    this.question = question;
    this.form.onsubmit = (event) => { event.preventDefault(); this.ask(); };
    for (const name of ["category", "seen", "bundle"]) this.form[name].onchange = () => this.ask();
    $(".more", this.node).onclick = () => this.show({ continues: true });
    $(".hold", this.node).onclick = () => this.hold(!this.isHeld);
    this.cards.onclick = (event) => this.act(event.target.closest("button"));
    $(".deeds", this.node).onclick = (event) => this.undo(event.target.closest("button")?.deed);
  }

  get question() {
    const { username, category, mood, seen, bundle } = this.form;
    return { username: username.value.trim() && username.value, category: category.value, mood: mood.value, seen: seen.value, bundle: bundle.value };
  }

  set question({ username = "", category = "", mood = "", seen = "", bundle = "" }) {
    this.offerBundles(bundle);
    const { form } = this;
    Object.assign(form.username, { value: username });
    Object.assign(form.mood, { value: mood });
    [[form.category, category], [form.seen, seen], [form.bundle, bundle]].forEach(([select, value]) => {
      select.value = value;
      if (select.selectedIndex < 0) select.value = "";
    });
    $(".options", this.node).open = Boolean(seen || bundle);
  }

  get username() { return this.question.username; }

  offerCategories() {
    this.form.category.length = 1; // all of them
    for (const { category_id: id, name, post_count: posts } of this.categories) this.form.category.append(new Option(`${name} (${posts})`, id));
  }

  offerBundles(chosen = this.form.bundle.value) {
    const known = [...new Set([...this.bundles, chosen].filter(Boolean))];
    this.form.bundle.replaceChildren(new Option("current", ""), ...known.map((id) => new Option(id.slice(0, 12), id)));
    this.form.bundle.value = chosen;
  }

  hold(isHeld) {
    this.isHeld = isHeld;
    $(".hold", this.node).setAttribute("aria-pressed", String(isHeld));
    if (!isHeld) this.show();
  }

  tell(...parts) { $(".told", this.node).textContent = parts.filter(Boolean).join(" · "); }

  /** A person asks: the question goes into the address, and the first page is shown. */
  ask() {
    allowAsking();
    this.on.asked();
    return this.show();
  }

  /** Show the first page, or the one after the last; an answer that another question has overtaken is dropped. */
  async show({ continues = false, after = "", focus } = {}) {
    const question = this.question;
    press($(".palette", this.node), question.mood);
    $(".feed-name", this.node).textContent = question.username ? `Feed of ${question.username}` : "Feed";
    if (!question.username) return this.showEmpty();
    const asked = ++this.asked, started = performance.now();
    this.cards.setAttribute("aria-busy", "true");
    if (!this.page.length) this.cards.replaceChildren(...Array.from({ length: 8 }, () => make("li", { className: "card waiting", "aria-hidden": "true" })));
    try {
      let stages = [];
      const feed = await ask(withQuery("/feed", {
        username: question.username, category_id: question.category, mood: question.mood, seen: question.seen, required_bundle_id: question.bundle,
        page_size: PAGE_SIZE, explain: true, fallback: "TRENDING",
        page_token: continues ? this.token : "", at_least_position: continues ? "" : written.position || "",
      }), { timings: (read) => { stages = read; } });
      await addStandIns(feed.posts);
      if (asked !== this.asked) return;
      this.render(feed, question, { continues, after, focus, took: performance.now() - started, stages });
    } catch (error) {
      if (asked === this.asked) this.fail(error);
    } finally {
      if (asked === this.asked) this.cards.removeAttribute("aria-busy");
    }
  }

  render(feed, question, { continues, after, focus, took, stages }) {
    const isSamePerson = this.shown?.username === question.username && this.page.length > 0;
    const before = isSamePerson ? this.page.map((post) => post.post_id) : [];
    const move = movement([...this.nodes.values()]);
    this.page = continues ? [...this.page, ...feed.posts] : feed.posts;
    const ids = this.page.map((post) => post.post_id);
    const changes = !continues && isSamePerson ? changesOf(before, ids) : undefined;
    const nodes = new Map(this.page.map((post) => [post.post_id, this.cardOf(post)]));
    this.nodes = nodes;
    this.shown = question;
    this.feed = feed;
    this.token = feed.next_page_token;
    for (const post of feed.posts) this.titles.set(post.post_id, titleOf(post));
    feed.posts.forEach((post, at) => this.shownBy.set(post.post_id, { feedId: feed.feed_id, place: at + 1 }));
    ids.forEach((id, place) => showPlace(nodes.get(id), { place, change: changes?.of.get(id), username: question.username }));
    const focused = document.activeElement;
    this.cards.replaceChildren(...nodes.values());
    move([...nodes.values()]);
    if (focused?.isConnected && this.cards.contains(focused)) focused.focus({ preventScroll: true });
    else if (focus !== undefined) [...nodes.values()].at(Math.min(focus, nodes.size - 1))?.focus({ preventScroll: true });
    $(".more", this.node).hidden = !this.token;
    this.showState(feed, question, { changes: changes && (after || changes.fresh || changes.up) ? changesIn(changes) : "", after, took });
    this.showDeedList();
    this.on.shown(feed, { took, stages });
  }

  cardOf(post) {
    const known = this.nodes.get(post.post_id);
    if (known) showPost(known, post);
    return known ?? newCard(post, this);
  }

  showState(feed, { username, mood }, { changes, after, took }) {
    this.tell(after, changes, `${count(this.page.length, "post")}, ${rankingIn(feed.ranking, username)}`, feed.exhausted && "all posts have been shown", milliseconds(took));
    const warnings = feed.degradations.map((each) => `Degraded: ${degradationIn(each)}.`);
    if (mood.trim() && feed.mood_understood === false) warnings.push(moodSentence(mood, false));
    const place = $(".warned", this.node);
    place.hidden = !warnings.length;
    place.textContent = warnings.join(" ");
    const empty = $(".empty", this.node);
    empty.hidden = this.page.length > 0;
    if (!this.page.length) {
      empty.replaceChildren(make("h3", { textContent: "No posts here" }), make("p", { textContent: "No post matches this request. Try another category, remove the mood, or add a post." }));
    }
  }

  showEmpty() {
    this.asked += 1;
    this.page = [];
    this.nodes.clear();
    this.shown = undefined;
    this.cards.replaceChildren();
    $(".more", this.node).hidden = $(".warned", this.node).hidden = true;
    this.showDeedList();
    this.tell("");
    const empty = $(".empty", this.node);
    empty.hidden = false;
    this.on.empty(this, empty);
  }

  fail(error) {
    this.tell("");
    const place = $(".warned", this.node);
    const again = make("button", { type: "button", textContent: "Try again" });
    again.onclick = () => { allowAsking(); this.show(); };
    place.replaceChildren(`${error.message} `, again);
    place.hidden = false;
    $(".empty", this.node).hidden = true;
    for (const waiting of this.cards.querySelectorAll(".waiting")) waiting.remove();
    this.on.failed(error);
  }

  /** Do what a button of a card stands for. */
  async act(button) {
    const card = button?.closest(".card");
    if (!card) return;
    const { post } = card, { username, mood } = this.shown;
    try {
      if (button.dataset.act === "play") await play(button, post, this.settings);
      else if (button.dataset.act === "why") await explain(post, { username, mood, moodUnderstood: this.feed.mood_understood, titles: this.titles });
      else if (button.dataset.act === "similar") await showSimilar(post, { ...this, username });
      else await this.deed(card, post, button.dataset.verb);
    } catch (error) {
      this.tell(error.message);
    }
  }

  async deed(card, post, verb) {
    const { username } = this.shown;
    const done = deedsWith(username, post.post_id).get(verb);
    if (done && verb !== "RATING") return this.undo(done);
    let percent;
    if (verb === "RATING") {
      const stars = await chooseStars(post, done && Math.round(done.percent / 20));
      if (!stars) return;
      percent = stars * 20;
    }
    const place = [...this.cards.children].indexOf(card);
    card.classList.add("sending");
    const started = performance.now();
    try {
      await record({ username, post, verb, percent, ...this.shownBy.get(post.post_id) });
    } finally {
      card.classList.remove("sending");
    }
    showDeeds(card, username);
    await this.on.done(this, { username, after: `${DEEDS[verb].done} “${titleOf(post)}”`, focus: place, started });
  }

  async undo(deed) {
    if (!deed) return;
    const started = performance.now();
    try {
      await takeBack(deed);
    } catch (error) {
      return this.tell(error.message);
    }
    const card = this.nodes.get(deed.post.post_id);
    if (card) showDeeds(card, deed.username);
    await this.on.done(this, { username: deed.username, after: `Undone: ${DEEDS[deed.verb].name}`, started });
  }

  showDeedList() {
    const place = $(".deeds", this.node);
    const deeds = this.shown ? deedsOf(this.shown.username).reverse().slice(0, SHOWN_DEEDS) : [];
    place.hidden = !deeds.length;
    place.replaceChildren(...deeds.map((deed) => {
      const { icon: drawing, done, name } = DEEDS[deed.verb];
      const undo = make("button", { type: "button", textContent: "Undo", "aria-label": `Undo: ${name}, ${titleOf(deed.post)}` });
      undo.deed = deed;
      return make("li", { title: done }, icon(drawing), make("span", { className: "deed-title", dir: "auto", textContent: titleOf(deed.post) }), undo);
    }));
  }
}
