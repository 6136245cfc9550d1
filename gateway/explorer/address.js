// The state in the address: a link shows the same feeds to whoever opens it. A token is never part of it.

const FIELDS = { username: "username", category: "category_id", mood: "mood", seen: "seen", bundle: "bundle_id" };

/** The questions that an address asks: one, or two side by side. */
export function questionsIn(search) {
  const parameters = new URLSearchParams(search);
  const read = (prefix) => Object.fromEntries(Object.entries(FIELDS).map(([field, name]) => [field, parameters.get(prefix + name) ?? ""]));
  return parameters.has("with_username") ? [read(""), read("with_")] : [read("")];
}

/** Put the questions into the address; what a person asks for can be gone back to. */
export function showInAddress(questions, { isNew }) {
  const parameters = new URLSearchParams();
  questions.forEach((question, place) => {
    for (const [field, name] of Object.entries(FIELDS)) {
      const isKept = question[field] || (place === 1 && field === "username");
      if (isKept) parameters.set((place ? "with_" : "") + name, question[field]);
    }
  });
  const search = parameters.size ? `?${parameters}` : "";
  if (search === location.search) return;
  history[isNew ? "pushState" : "replaceState"](null, "", `/${search}`);
}
