// How the page asks the gateway: one request, its token, and what a failure means in plain words.

import { askForToken, token } from "./token.js";

/** Why there is no answer: words for a person, and the gateway's own reason. */
export class Refusal extends Error {
  constructor(words, { reason = "", code = 0 } = {}) {
    super(words);
    this.reason = reason;
    this.code = code;
  }
}

const WORDS = {
  TOKEN_SCOPE_MISSING: "This token lacks the scope for this action. Use a token that has it.",
  ADMIN_FORBIDDEN: "Only operators may do this. On your own machine, `moodfeed run` allows it.",
  RATE_LIMITED: "Too many requests with this token. Wait a moment, then try again.",
  MOOD_TOO_LONG: "This mood is too long: use at most 512 characters.",
  NO_STORE: "This gateway has no store, so nothing can be recorded. Set MOODFEED_STORE_URL on the compute services.",
  STORE_UNAVAILABLE: "The store does not answer, so nothing can be recorded now. Feeds still work; try again later.",
  DOWNSTREAM_UNAVAILABLE: "A service behind the gateway does not answer. Try again when it is back.",
  DEADLINE_EXCEEDED: "The request took too long. Try again.",
  BUNDLE_NOT_HELD: "This bundle is no longer loaded. Choose the current one.",
  USER_NOT_FOUND: "This user is not known yet.",
};

/** Ask; a gateway that wants a token is asked again with the one that is typed. `timings` gets how long its stages took. Throws Refusal. */
export async function ask(path, { method = "GET", body, timings } = {}) {
  for (let attempt = 0; ; attempt++) {
    const headers = body ? { "content-type": "application/json" } : {};
    if (timings) headers["moodfeed-timings"] = "1";
    const sent = token();
    if (sent) headers.authorization = `Bearer ${sent}`;
    const response = await fetch(path, { method, headers, body: body && JSON.stringify(body) }).catch(() => {
      throw new Refusal("The gateway does not answer. Is it still running?", { reason: "NO_ANSWER" });
    });
    if (response.status === 401 && attempt < 5) {
      if (await askForToken({ refused: sent })) continue;
      throw new Refusal("This gateway requires an API token. Try again to enter one.", { reason: "NO_TOKEN", code: 401 });
    }
    const answer = await response.json().catch(() => ({}));
    timings?.(stagesIn(response.headers.get("server-timing") ?? ""));
    if (response.ok) return answer;
    const { reason, message } = answer.error ?? {};
    throw new Refusal(WORDS[reason] ?? message ?? `The gateway answered ${response.status}.`, { reason, code: response.status });
  }
}

/** The stages of a reply and their milliseconds, as the header names them. */
const stagesIn = (header) => [...header.matchAll(/([\w.-]+)(?:;desc="[^"]*")?;dur=([\d.]+)/g)].map(([, name, duration]) => [name, Number(duration)]);

/** A path with its query; ids come as strings, unless `ids` is empty, because JavaScript cannot hold all of 64 bits. */
export function withQuery(path, fields) {
  const known = Object.entries({ ids: "string", ...fields }).filter(([, value]) => value !== "" && value !== undefined && value !== null);
  return `${path}?${new URLSearchParams(known)}`;
}

/** The position of the log that the last write reached: feeds are asked to show it. */
export const written = {
  position: 0,
  note(position) { this.position = Math.max(this.position, position || 0); },
};
