// The explorer: asks the gateway's own HTTP API and shows what it answers. No framework, no build step.

const EMOJI = ["😂", "😢", "😌", "😡", "😱", "🥰", "🤩", "😴", "🎉", "💔", "💪", "🤔"];
const KEYS = { l: "LIKE", i: "INSPIRE", r: "RATING", s: "SKIP", n: "NOT_INTERESTED", p: "play", w: "why", m: "similar" };
const PAGE_SIZE = 12;

const $ = (selector, within = document) => within.querySelector(selector);
const clone = (name) => $(`#${name}`).content.firstElementChild.cloneNode(true);
const note = (text) => { $("#note").textContent = text; };

let categories = [];
let position = 0; // of the log, that the last write reached: feeds are asked to show it

/** Ask the gateway; on 401 ask for a token once. Throws an Error with the gateway's own words. */
async function ask(path, { method = "GET", body } = {}) {
  const headers = body ? { "content-type": "application/json" } : {};
  const token = sessionStorage.getItem("token");
  if (token) headers.authorization = `Bearer ${token}`;
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  if (answer.status === 401) {
    const given = prompt("This gateway asks for an API token:");
    if (!given) throw new Error("a token is needed");
    sessionStorage.setItem("token", given.trim());
    return ask(path, { method, body });
  }
  const document = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(document.error?.message ?? answer.statusText), { reason: document.error?.reason });
  return document;
}

const query = (fields) => new URLSearchParams(Object.entries({ ids: "string", ...fields }).filter(([, value]) => value !== "" && value != null));

/** One column: a form, the posts it leads to, and what one may do with each. */
class Feed {
  constructor(defaults) {
    this.node = clone("feed");
    this.form = $("form", this.node);
    this.cards = $(".cards", this.node);
    this.more = $(".more", this.node);
    this.shown = new Set();
    this.asked = 0;
    for (const emoji of EMOJI) {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: emoji });
      button.setAttribute("aria-label", `mood ${emoji}`);
      button.onclick = () => { this.form.mood.value = this.form.mood.value === emoji ? "" : emoji; this.show(); };
      $(".palette", this.node).append(button);
    }
    for (const { category_id: id, name, post_count: count } of categories) {
      this.form.category.append(new Option(`${name} (${count})`, id));
    }
    for (const [name, value] of Object.entries(defaults)) this.form[name].value = value;
    this.form.onsubmit = (event) => { event.preventDefault(); this.show(); };
    this.form.category.onchange = () => this.show();
    this.more.onclick = () => this.show({ continues: true });
    this.cards.onclick = (event) => this.act(event.target.closest("button"));
    this.cards.onkeydown = (event) => {
      const wanted = KEYS[event.key];
      if (!wanted || event.ctrlKey || event.metaKey || event.altKey) return;
      const card = event.target.closest(".card");
      this.act(card && $(`[data-verb="${wanted}"], [data-act="${wanted}"]`, card));
    };
  }

  get fields() {
    const { username, category, mood } = this.form;
    return { username: username.value, category_id: category.value, mood: mood.value };
  }

  told(text) { $(".told", this.node).textContent = text; }

  /** Ask for the first page, or for the one after the last; an answer that another question has overtaken is dropped. */
  async show({ continues = false, after = "" } = {}) {
    if (!this.fields.username.trim()) return this.told("Type a username. The README's examples work with the sample data.");
    const asked = ++this.asked;
    const started = performance.now();
    const before = new Set(this.shown);
    try {
      const fields = { ...this.fields, page_size: PAGE_SIZE, explain: true, fallback: "TRENDING" };
      const feed = await ask(`/feed?${query({ ...fields, at_least_position: continues ? "" : position || "", page_token: continues ? this.token : "" })}`);
      if (asked !== this.asked) return;
      if (!continues) { this.cards.replaceChildren(); this.shown.clear(); }
      const top = Math.max(...feed.posts.map((post) => post.ranking_score), -Infinity);
      const low = Math.min(...feed.posts.map((post) => post.ranking_score), Infinity);
      for (const post of feed.posts) {
        this.shown.add(post.post_id);
        this.cards.append(card(post, (post.ranking_score - low) / (top - low || 1), before.size && !before.has(post.post_id)));
      }
      this.token = feed.next_page_token;
      this.more.hidden = !this.token;
      const fresh = before.size && !continues ? feed.posts.filter((post) => !before.has(post.post_id)).length : 0;
      const degraded = feed.degradations.map((each) => `${each.stage}: ${each.reason}`).join(", ");
      this.told([
        after, `${feed.posts.length ? "" : "No posts. "}ranked by ${feed.ranking.replace("RANKING_", "").replaceAll("_", " ").toLowerCase()}`,
        fresh ? `${fresh} new` : "", `${Math.round(performance.now() - started)} ms`,
        degraded && `degraded (${degraded})`, feed.exhausted ? "all posts have been shown" : "",
      ].filter(Boolean).join(" · "));
      seen(feed);
    } catch (error) {
      if (asked === this.asked) this.told(error.message);
    }
  }

  async act(button) {
    if (!button) return;
    const post = button.closest(".card").post;
    try {
      if (button.dataset.act === "play") return play(button, post);
      if (button.dataset.act === "why") return why(post);
      if (button.dataset.act === "similar") return await similar(post, this.fields.username);
      const verb = button.dataset.verb;
      const interaction = { username: this.fields.username, post_id: post.post_id, verb };
      if (verb === "RATING") {
        const stars = Number(prompt("How many stars, 1 to 5?", "5"));
        if (!(stars >= 1 && stars <= 5)) return;
        interaction.rating_percent = Math.round(stars * 20);
      }
      const answer = await ask("/interactions", { method: "POST", body: { interactions: [interaction] } });
      if (answer.results[0].result === "REJECTED") throw new Error(answer.results[0].reason);
      position = Math.max(position, answer.position);
      await this.show({ after: `${verb.replace("_", " ").toLowerCase()} recorded` });
    } catch (error) {
      this.told(error.message);
    }
  }
}

function card(post, share, isNew) {
  const node = clone("card");
  node.post = post;
  node.tabIndex = 0;
  node.classList.toggle("new", Boolean(isNew));
  $("h3", node).textContent = post.title || `Post ${post.post_id}`;
  const category = categories.find((each) => each.category_id === post.category_id)?.name;
  $(".about", node).textContent = [category, post.owner_username && `by ${post.owner_username}`, reasonOf(post)].filter(Boolean).join(" · ");
  $(".bar", node).setAttribute("aria-label", `ranking score ${post.ranking_score.toFixed(3)}`);
  $(".bar span", node).style.width = `${8 + 92 * share}%`;
  picture($(".picture", node), post);
  return node;
}

const reasonOf = (post) => (post.reason ?? "").replace("REASON_", "").replaceAll("_", " ").toLowerCase();

/** Put the video in the picture's place; the browser says so itself where it cannot play one. */
function play(button, post) {
  if (!/^https?:/.test(post.video_link)) throw new Error("this post's link is not one that a browser plays");
  const place = Object.assign(document.createElement("div"), { className: "picture" });
  const video = Object.assign(document.createElement("video"), { src: post.video_link, controls: true, playsInline: true });
  video.setAttribute("aria-label", post.title || `Post ${post.post_id}`);
  place.append(video);
  button.replaceWith(place);
  video.play().catch(() => {});
}

/** The thumbnail, or a drawing that is the same for the same post. */
function picture(place, post) {
  place.innerHTML = drawing(post.post_id);
  if (/^https?:/.test(post.thumbnail_url ?? "")) {
    const image = Object.assign(new Image(), { src: post.thumbnail_url, alt: "", loading: "lazy", referrerPolicy: "no-referrer" });
    image.onload = () => place.replaceChildren(image);
  }
}

function drawing(id) {
  let number = 0;
  for (const digit of String(id)) number = (number * 31 + digit.charCodeAt(0)) >>> 0;
  const hue = number % 360, shapes = [];
  for (let place = 0; place < 4; place++) {
    number = (number * 1664525 + 1013904223) >>> 0;
    shapes.push(`<circle cx="${number % 160}" cy="${(number >>> 8) % 90}" r="${12 + (number >>> 16) % 40}" fill="hsl(${(hue + 40 * place) % 360} 60% 60% / .55)"/>`);
  }
  return `<svg viewBox="0 0 160 90" aria-hidden="true"><rect width="160" height="90" fill="hsl(${hue} 45% 35%)"/>${shapes.join("")}</svg>`;
}

function open(title, ...children) {
  $("#dialog-title").textContent = title;
  $("#dialog-body").replaceChildren(...children);
  $("#dialog").showModal();
}

function why(post) {
  const table = document.createElement("table");
  const rows = { "ranking score": post.ranking_score, reason: reasonOf(post), ...post.explanation };
  for (const [name, value] of Object.entries(rows)) {
    const row = table.insertRow();
    row.append(Object.assign(document.createElement("th"), { scope: "row", textContent: name.replaceAll("_", " ") }));
    row.insertCell().textContent = told(value);
  }
  open(`Why ${post.title || `post ${post.post_id}`}?`, table);
}

function told(value) {
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : value.toFixed(4);
  if (Array.isArray(value)) return value.map(told).join("; ") || "none";
  if (value && typeof value === "object") return Object.entries(value).map(([name, each]) => `${name.replaceAll("_", " ")} ${told(each)}`).join(", ");
  return String(value);
}

async function similar(post, username) {
  const found = await ask(`/posts/${post.post_id}/similar?${query({ username, page_size: 6 })}`);
  const list = Object.assign(document.createElement("ol"), { className: "cards" });
  for (const each of found.posts) {
    const node = card(each, Math.max(each.score, 0));
    $(".acts", node).remove();
    list.append(node);
  }
  open(`Similar to ${post.title || `post ${post.post_id}`}`, list);
}

function addPost() {
  const form = document.createElement("form");
  const fields = { post_id: "Id (a number)", title: "Title", description: "What happens in it", video_link: "Link to the video", category_id: "Category id" };
  for (const [name, label] of Object.entries(fields)) {
    const node = Object.assign(document.createElement("label"), { textContent: label });
    node.append(Object.assign(document.createElement("input"), { name, required: name !== "title" && name !== "description" }));
    form.append(node);
  }
  form.append(Object.assign(document.createElement("button"), { textContent: "Add" }));
  form.onsubmit = async (event) => {
    event.preventDefault();
    const { post_id: id, category_id: category, ...texts } = Object.fromEntries(new FormData(form));
    const started = performance.now();
    try {
      const answer = await ask(`/posts/${encodeURIComponent(id)}`, { method: "PUT", body: { ...texts, category_id: Number(category) } });
      position = Math.max(position, answer.position);
      note(`Post ${id} is stored at position ${answer.position} (${Math.round(performance.now() - started)} ms). The next feed may show it.`);
      $("#dialog").close();
      await Promise.all(feeds.map((feed) => feed.show()));
    } catch (error) {
      note(error.message);
      $("#dialog").close();
    }
  };
  open("Add a post", form);
}

let bundle = "";
function seen(feed) {
  bundle = feed.bundle_id;
  health();
}

async function health() {
  try {
    const state = await (await fetch("/readyz")).json();
    const parts = [state.status, bundle && `bundle ${bundle.slice(0, 12)}`, position ? `position ${position}` : ""];
    if (state.missing?.length) parts.push(`missing: ${told(state.missing)}`);
    if (state.degraded?.length) parts.push(`degraded: ${told(state.degraded)}`);
    $("#health").textContent = parts.filter(Boolean).join(" · ");
  } catch {
    $("#health").textContent = "The gateway does not answer.";
  }
}

const feeds = [];
function addFeed(defaults) {
  const feed = new Feed(defaults);
  feeds.push(feed);
  $("#feeds").append(feed.node);
  return feed.show();
}

$("#compare").onclick = ({ currentTarget: button }) => {
  const isTwo = feeds.length === 2;
  button.setAttribute("aria-pressed", String(!isTwo));
  if (isTwo) feeds.pop().node.remove();
  else addFeed({ ...feeds[0].fields, category: feeds[0].form.category.value });
};
$("#add").onclick = addPost;

try {
  ({ categories } = await ask("/categories"));
} catch (error) {
  note(error.message);
}
const asked = new URLSearchParams(location.search);
await addFeed({ username: asked.get("username") ?? "", mood: asked.get("mood") ?? "", category: asked.get("category_id") ?? "" });
health();
setInterval(health, 10_000);
