// What people did on this page: recorded at the gateway, and taken back there.

import { ask, Refusal, written } from "./gateway.js";

const deeds = new Map(); // person -> post id -> verb -> what was recorded

/** What a person did with a post, by verb. */
export const deedsWith = (username, postId) => deeds.get(username)?.get(postId) ?? new Map();

/** Everything that a person did, the newest last. */
export const deedsOf = (username) => [...(deeds.get(username)?.values() ?? [])].flatMap((each) => [...each.values()])
  .sort((one, other) => one.number - other.number);

let number = 0;

/** Record what a person did with a post, and which answer showed it where; a rating takes the place of the one before. Throws Refusal. */
export async function record({ username, post, verb, feedId, place, percent }) {
  const before = deedsWith(username, post.post_id).get(verb);
  const interaction = { username, post_id: post.post_id, verb, feed_id: feedId, place };
  if (percent) interaction.rating_percent = percent;
  const takenBack = before ? [{ username, retracts: before.eventId }] : [];
  const results = await send([...takenBack, interaction]);
  const ofPerson = deeds.get(username) ?? new Map();
  const ofPost = ofPerson.get(post.post_id) ?? new Map();
  deeds.set(username, ofPerson.set(post.post_id, ofPost.set(verb, { username, post, verb, percent, eventId: results.at(-1).event_id, number: ++number })));
}

/** Take a deed back; it no longer counts. Throws Refusal. */
export async function takeBack({ username, post, verb, eventId }) {
  await send([{ username, retracts: eventId }]);
  deeds.get(username)?.get(post.post_id)?.delete(verb);
}

async function send(interactions) {
  const answer = await ask("/interactions", { method: "POST", body: { interactions } });
  const rejected = answer.results.find((each) => each.result === "REJECTED");
  written.note(answer.position);
  if (rejected) throw new Refusal(rejected.reason);
  return answer.results;
}
