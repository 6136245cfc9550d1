"""What a bundle would answer, loaded beside the processes under test: every reply is compared with it."""

from dataclasses import dataclass, replace
from itertools import islice, product
from pathlib import Path

import numpy as np

from bundle.directory import open_bundle
from bundle.index_posts import IndexPosts
from bundle.known_users import KnownUsers
from compute.recent_history import NO_HISTORY
from post_index_service.filters import Filters
from post_index_service.index import PostIndex
from post_index_service.loading import load
from post_index_service.query import Query
from user_tower_service.encoder import Encoder

PAGE_SIZE = 10
_NEAR_TIE = 1e-5  # another process may round the last bits otherwise
_MOODS = ("", "calm and happy", "😢")
_USERS = 24


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of the load."""

    username: str
    category_id: int | None
    mood: str


@dataclass(frozen=True, slots=True)
class Ranked:
    """A whole ranking, best first."""

    post_ids: tuple[int, ...]
    scores: tuple[float, ...]

    def holds(self, post_ids: tuple[int, ...], *, offset: int) -> bool:
        """Whether these are the posts from ``offset`` on, where near ties may change places."""
        wanted = self.post_ids[offset : offset + PAGE_SIZE]
        if len(post_ids) != len(wanted) or len(set(post_ids)) != len(post_ids):
            return False
        score_of = dict(zip(self.post_ids, self.scores, strict=True))
        return all(
            found == expected or abs(score_of.get(found, np.inf) - score_of[expected]) <= _NEAR_TIE
            for found, expected in zip(post_ids, wanted, strict=True)
        )


class Expectations:
    """The rankings of some requests in some bundles."""

    def __init__(self, directories: list[Path]) -> None:
        self._whole: dict[tuple[str, Asked], Ranked] = {}
        self._popular: dict[tuple[str, Asked], Ranked] = {}
        self._without_mood: dict[tuple[str, Asked], Ranked] = {}
        self.requests = _requests(directories[0])
        for directory in directories:
            bundle = open_bundle(directory)
            encoder = Encoder(bundle, mood_cache_size=64)
            index = load(bundle)
            for asked in self.requests:
                self._whole[bundle.bundle_id, asked] = _ranking(encoder, index, asked)
                plain = Asked(asked.username, asked.category_id, "")
                self._without_mood[bundle.bundle_id, asked] = _ranking(encoder, index, plain)
                self._popular[bundle.bundle_id, plain] = _search(
                    index, Query(category_id=asked.category_id, filters=_without_own_posts(asked))
                )

    def is_right(
        self, asked: Asked, *, bundle_id: str, post_ids: tuple[int, ...], reasons: tuple[str, ...], offset: int
    ) -> bool:
        """Whether a page is exactly what its bundle gives, with what the reply says was left out."""
        match reasons:
            case ():
                ranked = self._whole.get((bundle_id, asked))
            case ("MOOD_UNAVAILABLE",):
                ranked = self._without_mood.get((bundle_id, asked))
            case ("USER_TOWER_UNAVAILABLE",):
                ranked = self._popular.get((bundle_id, replace(asked, mood="")))
            case _:
                ranked = None
        return ranked is not None and ranked.holds(post_ids, offset=offset)


def _requests(directory: Path) -> list[Asked]:
    """Known users, all categories and the two largest, with and without a mood, in a seeded order."""
    bundle = open_bundle(directory)
    users, posts = KnownUsers.read(bundle), IndexPosts.read(bundle)
    busiest = np.argsort(-np.diff(users.offsets), kind="stable")[:_USERS]
    sizes = np.bincount(posts.category_ids[posts.category_ids > 0])
    categories = [None, *(int(number) for number in np.argsort(-sizes, kind="stable")[:2])]
    asked = [
        Asked(users.usernames[user], category, mood) for user, category, mood in product(busiest, categories, _MOODS)
    ]
    order = np.random.default_rng(0).permutation(len(asked))
    return [asked[position] for position in islice(order, len(asked))]


def _ranking(encoder: Encoder, index: PostIndex, asked: Asked) -> Ranked:
    context = encoder.encode_context(asked.username, asked.mood)
    return _search(
        index,
        Query(
            user=context.user,
            mood=context.mood,
            category_id=asked.category_id,
            seen_post_ids=context.seen_post_ids,
            recent_history=context.recent or NO_HISTORY,
            filters=_without_own_posts(asked),
        ),
    )


def _without_own_posts(asked: Asked) -> Filters:
    """What a feed filters by default."""
    return Filters(excluded_owner_usernames=(asked.username,))


def _search(index: PostIndex, query: Query) -> Ranked:
    """Two pages' worth; the load asks for no more."""
    found = index.search(query._replace(limit=2 * PAGE_SIZE + 5)).posts
    return Ranked(tuple(item.post.post_id for item in found), tuple(item.score for item in found))
