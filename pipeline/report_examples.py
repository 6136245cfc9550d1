"""Example users for the report: their histories and feeds, and one user's feeds in two moods."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bundle.index_posts import IndexPosts
from bundle.known_users import KnownUsers
from bundle.verbs import VERBS
from pipeline.bundle_contents import largest_category
from pipeline.dataset import Dataset
from pipeline.stand_in_titles import first_words, one_line, shorten, stand_in_title

SHOWN_HISTORY = 10
_HISTORY_QUANTILES = {  # share of users with a shorter or equal history -> label
    0.0: "the shortest history",
    0.5: "a history of median length",
    0.9: "a history longer than that of 90 % of users",
    0.99: "a history longer than that of 99 % of users",
    1.0: "the longest history",
}
_NO_CATEGORY = "no category"

Encode = Callable[[NDArray[np.int64]], NDArray[np.float32]]
"""User ids to embeddings, float32 [users, tower dimension]."""


class Rank(Protocol):
    """Ranks the posts of a feed."""

    def __call__(
        self,
        user: NDArray[np.float32],
        mood: NDArray[np.float32] | None,
        category_id: int | None,
        *,
        met: NDArray[np.int64],
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The first ten rows of the index without the posts ``met`` (post ids), and the user's score of each."""


@dataclass(frozen=True, slots=True)
class ShownPost:
    """A post as the report shows it; ``about`` (topics and emotions) may be empty."""

    text: str
    has_title: bool
    about: str
    category: str


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One interaction of a user: strength 0..1, days before the newest interaction in the data."""

    post: ShownPost
    verb: str
    strength: float
    days_ago: float


@dataclass(frozen=True, slots=True)
class FeedLine:
    """A post of a feed and the user's score of it, -1..1."""

    post: ShownPost
    score: float


@dataclass(frozen=True, slots=True)
class ExampleUser:
    """One user: the newest ``SHOWN_HISTORY`` of the ``met`` posts, newest first, and the first page of the feed."""

    username: str
    user_id: int
    why: str
    met: int
    history: tuple[HistoryLine, ...]
    feed: tuple[FeedLine, ...]


@dataclass(frozen=True, slots=True)
class ExampleMoods:
    """One user's feeds in one category, by mood."""

    username: str
    category: str
    feeds: Mapping[str, tuple[FeedLine, ...]]


@dataclass(frozen=True, slots=True)
class ReportExamples:
    """The example users of the report; without ``has_clock`` days are meaningless and not shown."""

    users: tuple[ExampleUser, ...]
    moods: ExampleMoods | None
    has_clock: bool


def choose_examples(
    dataset: Dataset,
    *,
    index: IndexPosts,
    users: KnownUsers,
    encode: Encode,
    rank: Rank,
    moods: Mapping[str, NDArray[np.float32]],
) -> ReportExamples:
    """Choose users by history length and rank posts for them; the same data gives the same users.

    ``moods`` maps each mood to its text embedding; one user's feeds in the largest category are shown for each.
    """
    chosen = _rows_by_history(users)
    rows = np.array(list(chosen), dtype=np.int64)
    embeddings = encode(users.user_ids[rows])
    lines = _PostLines(dataset)
    names = {category.category_id: category.name for category in index.categories}

    def feed(row: int, mood: NDArray[np.float32] | None = None, category_id: int | None = None) -> tuple[FeedLine, ...]:
        user = embeddings[list(chosen).index(row)]
        order, scores = rank(user, mood, category_id, met=users.post_ids[users.offsets[row] : users.offsets[row + 1]])
        return tuple(
            FeedLine(lines.of(int(index.post_ids[index_row])), float(score))
            for index_row, score in zip(order, scores, strict=True)
        )

    example_moods = None
    with_history = [row for row in chosen if users.offsets[row + 1] > users.offsets[row]]
    category_id = largest_category(index)
    if category_id is not None and with_history:
        row = with_history[len(with_history) // 2]
        example_moods = ExampleMoods(
            username=one_line(users.usernames[row]),
            category=one_line(names[category_id]),
            feeds={mood: feed(row, embedding, category_id) for mood, embedding in moods.items()},
        )
    return ReportExamples(
        users=tuple(
            ExampleUser(
                username=one_line(users.usernames[row]),
                user_id=int(users.user_ids[row]),
                why=why,
                met=int(users.offsets[row + 1] - users.offsets[row]),
                history=_history(users, row, lines),
                feed=feed(row),
            )
            for row, why in chosen.items()
        ),
        moods=example_moods,
        has_clock=dataset.has_clock,
    )


class _PostLines:
    """The posts of a dataset as the report shows them."""

    def __init__(self, dataset: Dataset) -> None:
        self._post_ids = dataset.post_ids
        self._posts = dataset.posts

    def of(self, post_id: int) -> ShownPost:
        """The title, else the topics or the description; only the id of a post that is not public."""
        post = self._posts.iloc[int(np.searchsorted(self._post_ids, post_id))]
        name = post["category_name"]
        category = one_line(name) if isinstance(name, str) and name.strip() else _NO_CATEGORY
        if not post["is_servable"]:
            return ShownPost(f"post {post_id}, not public", False, "", category)
        topics = first_words(post["keywords"].replace(";", ","), 4)
        emotions = first_words(post["mood_text"], 2)
        title = shorten(post["title"])
        if title:
            return ShownPost(title, True, ", ".join([*topics[:3], *emotions]), category)
        stand_in = stand_in_title(post["keywords"], post["description"]) or f"post {post_id}"
        return ShownPost(stand_in, False, ", ".join(emotions), category)


def _rows_by_history(users: KnownUsers) -> dict[int, str]:
    """Rows of the example users by history length, ascending, then one without a history; and why each was chosen."""
    lengths = np.diff(users.offsets)
    order = np.lexsort((users.user_ids, lengths))
    active = order[lengths[order] > 0]
    chosen: dict[int, str] = {}
    for share, why in _HISTORY_QUANTILES.items():
        if len(active):
            chosen.setdefault(int(active[round(share * (len(active) - 1))]), why)
    if len(active) < len(order):
        chosen[int(order[0])] = "no history"
    return chosen


def _history(users: KnownUsers, row: int, lines: _PostLines) -> tuple[HistoryLine, ...]:
    start, end = int(users.offsets[row]), int(users.offsets[row + 1])
    return tuple(
        HistoryLine(
            post=lines.of(int(users.post_ids[event])),
            verb=VERBS[users.verbs[event]],
            strength=float(users.strengths[event]),
            days_ago=-float(users.days[event]),
        )
        for event in range(end - 1, max(start, end - SHOWN_HISTORY) - 1, -1)
    )
