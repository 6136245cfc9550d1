// What the gateway's own names are called on the page.

const RANKINGS = {
  RANKING_USER: (who) => `ranked for ${who}`,
  RANKING_MOOD_THEN_USER: (who) => `ranked by mood and for ${who}`,
  RANKING_MOOD: (who) => `ranked by mood only, because ${who} has no interactions yet`,
  RANKING_POPULAR: () => "most popular posts",
  RANKING_TRENDING: (who) => `trending posts, because ${who} has no interactions yet: like a post to get a personal feed`,
};
const REASONS = {
  REASON_USER: "for this user", REASON_MOOD_AND_USER: "mood and user", REASON_MOOD: "mood", REASON_POPULAR: "popular",
  REASON_TRENDING: "trending", REASON_SIMILAR: "similar", REASON_PINNED: "pinned", REASON_BOOSTED: "boosted", REASON_EXPLORATION: "exploration of new posts",
};
export const DEEDS = {
  LIKE: { key: "l", icon: "heart", name: "Like", done: "Liked" },
  INSPIRE: { key: "i", icon: "spark", name: "Inspires me", done: "Marked as inspiring" },
  RATING: { key: "r", icon: "star", name: "Rate", done: "Rated" },
  SKIP: { key: "s", icon: "skip", name: "Skip", done: "Skipped" },
  NOT_INTERESTED: { key: "n", icon: "hide", name: "Not interested", done: "Dismissed" },
};
const STAGES = { user: "the user was ignored", mood: "the mood was ignored", search: "only the most popular posts were ranked" };
const CAUSES = { USER_TOWER_UNAVAILABLE: "the user tower does not answer", MOOD_UNAVAILABLE: "the mood encoder failed",
  MILVUS_UNAVAILABLE: "Milvus does not answer", SHARD_UNAVAILABLE: "it does not answer" };

export const rankingIn = (ranking, who) => (RANKINGS[ranking] ?? (() => plain(ranking, "RANKING_")))(who);
export const reasonIn = (reason) => REASONS[reason] ?? plain(reason, "REASON_");
export const titleOf = (post) => post.title.trim() || post.stand_in || (post.owner_username ? `Untitled, by ${post.owner_username}` : `Untitled post ${post.post_id}`);
export const degradationIn = ({ stage, reason }) => `${STAGES[stage] ?? `${stage} was left out`}, because ${CAUSES[reason] ?? plain(reason, "")}`;
export const count = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;
export const milliseconds = (duration) => (duration < 1000 ? `${Math.round(duration)} ms` : `${(duration / 1000).toFixed(1)} s`);

function plain(name = "", prefix) {
  return name.replace(prefix, "").replaceAll("_", " ").toLowerCase();
}
