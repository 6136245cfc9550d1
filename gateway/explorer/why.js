// Why a post is where it is, in words: each part of the explanation becomes a sentence.

import { openDialog } from "./dialogs.js";
import { make } from "./elements.js";
import { ask, withQuery } from "./gateway.js";
import { named } from "./moods.js";
import { titleOf } from "./words.js";

const FIRST = {
  REASON_USER: (who) => `It is here because of what ${who} has watched and liked.`,
  REASON_MOOD_AND_USER: (who, mood) => `It is close to the mood ${mood}, and it suits ${who}.`,
  REASON_MOOD: (who, mood) => `It is close to the mood ${mood}. ${who} is not known yet, so only the mood counts.`,
  REASON_POPULAR: () => "It is one of the posts that most people like.",
  REASON_TRENDING: () => "Many people watch it at present.",
  REASON_SIMILAR: () => "It is like the post that you asked about.",
  REASON_PINNED: () => "An operator's rule pins it to this feed.",
  REASON_BOOSTED: () => "An operator's rule moves it.",
  REASON_EXPLORATION: () => "It is new and few people have been shown it: the feed finds out whether people like it.",
};

/** Open the dialog; titles of the posts that it resembles come as the gateway tells them. */
export async function explain(post, { username, mood, moodUnderstood, titles }) {
  const { explanation: told = {} } = post;
  const first = (FIRST[post.reason] ?? (() => "The gateway gives no reason."))(username, `“${named(mood)}”`);
  const sentences = [...sentencesOf(told, username), mood && moodSentence(mood, moodUnderstood)].filter(Boolean);
  const history = make("ul", { className: "history" });
  openDialog(`Why is “${titleOf(post)}” here?`,
    make("p", { className: "lead", textContent: first }),
    make("ul", { className: "reasons" }, ...sentences.map((sentence) => make("li", { textContent: sentence }))),
    told.history?.length ? make("p", { textContent: `Of what ${username} has met, it is most like:` }) : "",
    told.history?.length ? history : "",
    numbers(post));
  for (const { post_id: id, closeness } of told.history ?? []) {
    const name = make("span", { dir: "auto", textContent: titles.get(id) ?? `Post ${id}` });
    history.append(make("li", {}, name, ` (likeness ${closeness.toFixed(2)} of 1)`));
    if (!titles.has(id)) {
      const kept = await ask(withQuery(`/posts/${id}`, {})).catch(() => undefined); // a gateway may tell posts to operators only
      if (kept) name.textContent = titleOf(kept.post);
    }
  }
}

/** Whether the mood was understood: the API says that much, and not as what. */
export function moodSentence(mood, understood) {
  if (understood === true) return `The mood “${named(mood)}” was understood.`;
  if (understood === false) return `Nothing in “${mood}” was understood as a mood, so the feed is that without one. Try a feeling, such as “calm”, or an emoji.`;
  return `What the mood “${mood}” means was left out.`;
}

function sentencesOf(told, who) {
  const is = (value) => typeof value === "number";
  return [
    is(told.user_score) && `It suits ${who} ${degree(told.user_score, [0.4, 0.2], ["very well", "fairly well", "a little"])}: ${told.user_score.toFixed(2)}, where 1 is the best.`,
    is(told.mood_closeness) && `It is ${degree(told.mood_closeness, [0.75, 0.4], ["very close", "fairly close", "not close"])} to the mood: ${told.mood_closeness.toFixed(2)} of 1.`,
    is(told.similarity) && `Its likeness to the post is ${told.similarity.toFixed(2)} of 1.`,
    is(told.category_lift) && liftSentence(told.category_lift, who),
    told.next_post > 0 && `People who met the newest post of ${who} often went on to this one.`,
    is(told.popularity_share) && `It has ${(told.popularity_share * 100).toFixed(2)} % of everything that people meet at present.`,
    is(told.popularity) && `Its popularity is ${Math.round(told.popularity * 100)} of 100.`,
    told.is_seen && `${who} has seen it already, so it comes after everything unseen.`,
    told.rules?.length && `Rules of the operators: ${told.rules.join(", ")}.`,
  ].filter(Boolean);
}

const degree = (value, [high, middle], words) => words[value >= high ? 0 : value >= middle ? 1 : 2];

function liftSentence(lift, who) {
  if (lift > 1.05) return `${who} lately meets its category ${lift.toFixed(1)} times as often as others do.`;
  if (lift < 0.95) return `${who} lately meets its category less often than others do (${lift.toFixed(1)} times).`;
  return `${who} meets its category as often as others do.`;
}

function numbers(post) {
  const rows = { ranking_score: post.ranking_score, score: post.score, post_id: post.post_id, external_id: post.external_id };
  const list = make("dl");
  for (const [name, value] of Object.entries(rows)) {
    if (value !== "") list.append(make("dt", { textContent: name.replaceAll("_", " ") }), make("dd", { textContent: typeof value === "number" ? value.toFixed(4) : value }));
  }
  return make("details", {}, make("summary", { textContent: "The numbers" }), list);
}
