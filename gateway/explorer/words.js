// What the gateway's own names are called on the page.

const RANKINGS = {
  RANKING_USER: (who) => `chosen for ${who}`,
  RANKING_MOOD_THEN_USER: (who) => `by the mood, and by what ${who} likes`,
  RANKING_MOOD: (who) => `by the mood alone, because ${who} is not known yet`,
  RANKING_POPULAR: () => "the most popular posts",
  RANKING_TRENDING: (who) => `what people watch now, because ${who} is not known yet: like something`,
};
const REASONS = {
  REASON_USER: "for this person", REASON_MOOD_AND_USER: "mood and person", REASON_MOOD: "mood", REASON_POPULAR: "popular",
  REASON_TRENDING: "trending", REASON_SIMILAR: "similar", REASON_PINNED: "pinned", REASON_BOOSTED: "boosted", REASON_EXPLORATION: "new, being tried",
};
export const DEEDS = {
  LIKE: { key: "l", icon: "heart", name: "Like", done: "Liked" },
  INSPIRE: { key: "i", icon: "spark", name: "Inspires me", done: "Inspired by" },
  RATING: { key: "r", icon: "star", name: "Rate", done: "Rated" },
  SKIP: { key: "s", icon: "skip", name: "Skip", done: "Skipped" },
  NOT_INTERESTED: { key: "n", icon: "hide", name: "Not interested", done: "Not interested in" },
};
const STAGES = { user: "the person was left out", mood: "the mood was left out" };
const CAUSES = { USER_TOWER_UNAVAILABLE: "the user tower does not answer", MOOD_UNAVAILABLE: "the mood could not be read" };

export const rankingIn = (ranking, who) => (RANKINGS[ranking] ?? (() => plain(ranking, "RANKING_")))(who);
export const reasonIn = (reason) => REASONS[reason] ?? plain(reason, "REASON_");
export const titleOf = (post) => post.title.trim() || (post.owner_username ? `Untitled, by ${post.owner_username}` : `Untitled post ${post.post_id}`);
export const degradationIn = ({ stage, reason }) => `${STAGES[stage] ?? stage}, because ${CAUSES[reason] ?? plain(reason, "")}`;
export const count = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;
export const milliseconds = (duration) => (duration < 1000 ? `${Math.round(duration)} ms` : `${(duration / 1000).toFixed(1)} s`);

function plain(name = "", prefix) {
  return name.replace(prefix, "").replaceAll("_", " ").toLowerCase();
}
