// Keywords in place of missing titles: the gateway tells them to this page alone.

import { ask, withQuery } from "./gateway.js";

const known = new Map();

/** Give each post without a title its keywords as `stand_in`; without any, and if they cannot be had, it gets none. */
export async function addStandIns(posts) {
  const untitled = posts.filter((post) => !post.title.trim());
  const asked = untitled.map((post) => post.post_id).filter((id) => !known.has(id));
  if (asked.length) {
    const told = await ask(withQuery("/explorer/titles", { ids: "", post_ids: asked.join() })).catch(() => undefined);
    if (told) for (const id of asked) known.set(id, told.titles[id] ?? "");
  }
  for (const post of untitled) post.stand_in = known.get(post.post_id) ?? "";
}
