// Why a post is where it is, in words: each part of the explanation becomes a sentence.

import { openDialog } from "./dialogs.js";
import { make } from "./elements.js";
import { ask, withQuery } from "./gateway.js";
import { named } from "./moods.js";
import { addStandIns } from "./titles.js";
import { titleOf } from "./words.js";

const FIRST = {
  REASON_USER: (who) => `It matches the history of ${who}.`,
  REASON_MOOD_AND_USER: (who, mood) => `It is close to the mood ${mood} and matches the history of ${who}.`,
  REASON_MOOD: (who, mood) => `It is close to the mood ${mood}. ${who} has no interactions yet, so only the mood counts.`,
  REASON_POPULAR: () => "It is one of the most popular posts.",
  REASON_TRENDING: () => "It is trending.",
  REASON_SIMILAR: () => "It is similar to the post that you chose.",
  REASON_PINNED: () => "A rule pins it to this feed.",
  REASON_BOOSTED: () => "A rule boosts it.",
  REASON_EXPLORATION: () => "It is new, and few people have been shown it: the feed explores whether people like it.",
};

/** Open the dialog; titles of the posts that it resembles come as the gateway tells them. */
export async function explain(post, { username, mood, moodUnderstood, titles }) {
  const { explanation: told = {} } = post;
  const first = (FIRST[post.reason] ?? (() => "The gateway gave no reason."))(username, `“${named(mood)}”`);
  const meant = mood && moodUnderstood ? await ask(withQuery("/explorer/mood", { ids: "", mood })).catch(() => undefined) : undefined;
  const sentences = [...sentencesOf(told, username), mood && moodSentence(mood, moodUnderstood, meant)].filter(Boolean);
  const history = make("ul", { className: "history" });
  openDialog(`Why is “${titleOf(post)}” here?`,
    make("p", { className: "lead", textContent: first }),
    make("ul", { className: "reasons" }, ...sentences.map((sentence) => make("li", { textContent: sentence }))),
    told.history?.length ? make("p", { textContent: `Most similar posts in the history of ${username}:` }) : "",
    told.history?.length ? history : "",
    numbers(post));
  for (const { post_id: id, closeness } of told.history ?? []) {
    const name = make("span", { dir: "auto", textContent: titles.get(id) ?? `Post ${id}` });
    history.append(make("li", {}, name, ` (similarity ${closeness.toFixed(2)})`));
    if (!titles.has(id)) {
      const kept = await ask(withQuery(`/posts/${id}`, {})).catch(() => undefined); // a gateway may tell posts to operators only
      if (kept) {
        await addStandIns([kept.post]);
        name.textContent = titleOf(kept.post);
      }
    }
  }
}

/** Whether the mood was understood, and as what, if the gateway has told what is `meant`. */
export function moodSentence(mood, understood, meant) {
  if (understood === true) return `The mood “${named(mood)}” was understood${meant?.is_understood ? meaning(meant) : ""}.`;
  if (understood === false) return `Nothing in “${mood}” was understood as a mood, so the feed ignores it. Try a feeling, such as “calm”, or an emoji.`;
  return `The mood “${mood}” was ignored.`;
}

/** As which families, without which, and by which words. */
function meaning({ wanted, avoided, language, words }) {
  const families = (list) => inWords(list.map(({ name }) => name));
  const quoted = inWords(words.map(({ text, is_avoided: isAvoided }) => `“${text}”${isAvoided ? ", to be avoided" : ""}`));
  const spoken = language && `${language[0].toUpperCase()}${language.slice(1)}`;
  return [
    wanted.length ? ` as ${families(wanted)}` : " as nothing in particular",
    avoided.length ? `, without ${families(avoided)}` : "",
    quoted ? `, because of ${quoted}${spoken ? ` (${spoken})` : ""}` : ", estimated from the whole text",
  ].join("");
}

const inWords = (list) => list.length < 2 ? list.join("") : `${list.slice(0, -1).join(", ")} and ${list.at(-1)}`;

function sentencesOf(told, who) {
  const is = (value) => typeof value === "number";
  return [
    is(told.user_score) && `It matches ${who} ${degree(told.user_score, [0.4, 0.2], ["very well", "fairly well", "a little"])}: user score ${told.user_score.toFixed(2)} of at most 1.`,
    is(told.mood_closeness) && `It is ${degree(told.mood_closeness, [0.75, 0.4], ["very close", "fairly close", "not close"])} to the mood: ${told.mood_closeness.toFixed(2)} of at most 1.`,
    is(told.similarity) && `Its similarity to that post is ${told.similarity.toFixed(2)} of at most 1.`,
    is(told.category_lift) && liftSentence(told.category_lift, who),
    told.next_post > 0 && `People often continue with this post after the newest post in the history of ${who}.`,
    is(told.popularity_share) && `It receives ${(told.popularity_share * 100).toFixed(2)} % of all current interactions.`,
    is(told.popularity) && `Its popularity is ${told.popularity.toFixed(2)} of at most 1.`,
    told.is_seen && `${who} has already seen it, so it comes after all unseen posts.`,
    told.rules?.length && `Rules that apply: ${told.rules.join(", ")}.`,
  ].filter(Boolean);
}

const degree = (value, [high, middle], words) => words[value >= high ? 0 : value >= middle ? 1 : 2];

function liftSentence(lift, who) {
  if (lift > 1.05) return `${who} recently interacts with its category ${lift.toFixed(1)} times as often as the average user.`;
  if (lift < 0.95) return `${who} recently interacts with its category less often than the average user (${lift.toFixed(1)} times as often).`;
  return `${who} interacts with its category as often as the average user.`;
}

function numbers(post) {
  const rows = { ranking_score: post.ranking_score, score: post.score, post_id: post.post_id, external_id: post.external_id };
  const list = make("dl");
  for (const [name, value] of Object.entries(rows)) {
    if (value !== "") list.append(make("dt", { textContent: name.replaceAll("_", " ") }), make("dd", { textContent: typeof value === "number" ? value.toFixed(4) : value }));
  }
  return make("details", {}, make("summary", { textContent: "Numbers" }), list);
}
