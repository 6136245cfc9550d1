// Who is offered: people that the gateway names, where its setting allows that.

import { $, make } from "./elements.js";
import { ask } from "./gateway.js";

const PICKS = 5;
const STRANGER = "somebody-new";

/** The people that the gateway offers; nobody if it may not. */
export async function knownPeople(settings) {
  if (!settings.people) return [];
  const answer = await ask("/explorer/people").catch(() => ({ usernames: [] }));
  return answer.usernames;
}

export function offerPeople(people) {
  $("#people").replaceChildren(...people.map((name) => new Option(name)));
}

/** What to do where nobody is chosen yet. */
export function invite(place, people, choose) {
  const pick = (name, words) => {
    const button = make("button", { type: "button", className: "pick", dir: "auto", textContent: words ?? name });
    button.onclick = () => choose(name);
    return button;
  };
  place.replaceChildren(
    make("h3", { textContent: "Whose feed?" }),
    make("p", { textContent: people.length ? "Choose a user, or enter a username above. A new username works too: its feed begins with trending posts." : "Enter a username above. A new one works too: its feed begins with trending posts." }),
    make("p", { className: "picks" }, ...people.slice(0, PICKS).map((name) => pick(name)), pick(STRANGER, "A new user")),
  );
}
