"""Words of other programs for the verbs."""

from collections.abc import Mapping

from bundle.verbs import VERBS
from pipeline.foreign.errors import ImportSourceError
from pipeline.spilling_database import text_literal

WORDS: Mapping[str, tuple[str, ...]] = {
    "view": ("view", "viewed", "views", "click", "clicked", "read", "watch", "watched", "play", "played", "listen",
             "listened", "open", "opened", "visit", "visited", "seen", "impression", "pageview", "view_item"),
    "like": ("like", "liked", "favorite", "favourite", "fav", "heart", "star", "upvote", "bookmark", "save", "saved"),
    "inspire": ("inspire", "inspired", "share", "shared", "repost", "retweet"),
    "rating": ("rating", "rate", "rated"),
}  # fmt: skip


def read_verb_options(options: tuple[str, ...]) -> tuple[Mapping[str, str], str | None]:
    """``WORD=VERB`` options as a mapping, and the verb of an option without a word, which all rows get."""
    words: dict[str, str] = {}
    of_all = None
    for option in options:
        word, separator, verb = option.rpartition("=")
        if verb not in VERBS:
            raise ImportSourceError(f"--verb {option}: {verb!r} is not one of {', '.join(VERBS)}")
        if separator:
            words[word.strip().lower()] = verb
        else:
            of_all = verb
    return words, of_all


def verb_of(text: str, words: Mapping[str, str]) -> str:
    """An SQL expression of the verb, NULL for an unknown word; ``words`` take precedence over WORDS."""
    known = {word: verb for verb, several in WORDS.items() for word in several} | dict(words)
    cases = " ".join(f"WHEN {text_literal(word)} THEN '{verb}'" for word, verb in known.items())
    return f"CASE lower(trim({text})) {cases} END"
