// A new post: the form, and the search for it in the person's feed as soon as it is stored.

import { newCard } from "./card.js";
import { openDialog } from "./dialogs.js";
import { make } from "./elements.js";
import { ask, withQuery, written } from "./gateway.js";
import { webLink } from "./pictures.js";
import { play } from "./player.js";
import { milliseconds } from "./words.js";

const PAGES_LOOKED_AT = 10, PAGE_SIZE = 100, LONGEST_WAIT_MS = 10_000;
const FIELDS = [
  ["title", "Title", "Rain on the window"],
  ["description", "Description", "A quiet evening, soft rain, a cat asleep"],
  ["video_link", "Video URL", "https://example.com/rain.mp4"],
  ["thumbnail_url", "Thumbnail URL (optional)", ""],
];

/** Open the form; `added` is called once the post is stored. */
export function openNewPost({ username, categories, settings, added }) {
  const told = make("p", { className: "told", role: "status" });
  const category = make("select", { name: "category_id" }, ...categories.map((each) => new Option(each.name, each.category_id)));
  const form = make("form", { className: "stacked" },
    ...FIELDS.map(([name, label, placeholder]) => make("label", {}, label,
      make("input", { name, placeholder, dir: "auto", autocomplete: "off", required: name === "video_link" || name === "title", maxLength: 2000 }))),
    categories.length ? make("label", {}, "Category", category) : "",
    make("label", {}, "Owner", make("input", { name: "owner_username", value: "explorer", required: true, autocomplete: "off" })),
    make("button", { className: "main", textContent: "Add and search" }), told);
  form.onsubmit = async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    const fields = Object.fromEntries(new FormData(form));
    if (!webLink(fields.video_link)) { told.textContent = "The video URL must begin with http:// or https://."; return; }
    button.disabled = true;
    try {
      await store(fields);
    } catch (error) {
      told.textContent = error.message;
    }
    button.disabled = false;
  };

  async function store({ category_id: id, ...texts }) {
    const started = performance.now();
    const body = { ...texts, ...(categories.length ? { category_id: Number(id) } : { category_id: 1, category_name: "First" }) };
    const name = `external:explorer-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`;
    const answer = await ask(`/posts/${name}`, { method: "PUT", body });
    written.note(answer.position);
    told.textContent = "Stored. Searching for the post …";
    await searchable(name);
    const place = await find(body, name.replace("external:", ""), username);
    const took = milliseconds(performance.now() - started);
    showFound(place, took);
    await added();
  }

  function showFound(found, took) {
    if (!found) return openDialog("Post stored", make("p", { textContent: `The post is stored, but it is not among the first ${PAGES_LOOKED_AT * PAGE_SIZE} posts of its category for ${username || "a new user"} yet.` }));
    const list = make("ol", { className: "cards one" }, newCard(found.post, { categories, settings, withActs: false }));
    list.querySelector(".more-acts").remove();
    list.onclick = (event) => {
      const button = event.target.closest('[data-act="play"]');
      if (button) play(button, found.post, settings);
    };
    openDialog("Post found", make("p", { className: "lead", textContent: `Found ${took} after “Add”, at place ${found.place + 1} of its category in the feed of ${username || "a new user"}.` }), list);
  }
  openDialog("Add a post", form);
}

/** Wait until the index holds the post; after a while, look for it all the same. */
async function searchable(name) {
  for (const deadline = performance.now() + LONGEST_WAIT_MS; performance.now() < deadline; await new Promise((done) => { setTimeout(done, 100); })) {
    const { state } = await ask(withQuery(`/posts/${name}`, {}));
    if (state !== "PENDING") return;
  }
}

/** Where the post is in the feed of its category: as soon as the feed holds it, or nowhere. */
async function find(body, externalId, username) {
  let token = "", place = 0;
  for (let page = 0; page < PAGES_LOOKED_AT; page++) {
    const feed = await ask(withQuery("/feed", { username: username || "newcomer", category_id: body.category_id, page_size: PAGE_SIZE, explain: true,
      fallback: "TRENDING", page_token: token, at_least_position: token ? "" : written.position }));
    const at = feed.posts.findIndex((post) => post.external_id === externalId);
    if (at >= 0) return { post: feed.posts[at], place: place + at };
    place += feed.posts.length;
    token = feed.next_page_token;
    if (!token) return undefined;
  }
  return undefined;
}
