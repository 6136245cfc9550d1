// Posts that are like a post, in the dialog; from each of them one can go on.

import { newCard } from "./card.js";
import { openDialog } from "./dialogs.js";
import { make } from "./elements.js";
import { ask, withQuery } from "./gateway.js";
import { play } from "./player.js";
import { addStandIns } from "./titles.js";
import { titleOf } from "./words.js";

const MOST = 6;

/** Throws Refusal. */
export async function showSimilar(post, { username, categories, settings }) {
  const page = await ask(withQuery(`/posts/${post.post_id}/similar`, { username, page_size: MOST, explain: true }));
  await addStandIns(page.posts);
  const list = make("ol", { className: "cards" });
  for (const found of page.posts) list.append(newCard(found, { categories, settings, withActs: false }));
  list.onclick = async (event) => {
    const button = event.target.closest("button");
    const of = button?.closest(".card").post;
    if (button?.dataset.act === "play") await play(button, of, settings);
    if (button?.dataset.act === "similar") await showSimilar(of, { username, categories, settings });
  };
  for (const why of list.querySelectorAll('[data-act="why"]')) why.remove();
  openDialog(`Similar to “${titleOf(post)}”`, page.posts.length ? list : make("p", { textContent: "No similar posts found." }));
}
