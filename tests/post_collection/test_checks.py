"""The check of a collection against its bundle's canaries, on what a server may answer to a search."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pytest

from bundle.canary_embeddings import CanaryEmbeddings
from bundle.manifest import Canary
from post_collection.checks import check_canaries
from post_collection.form import IndexKind
from post_collection.hits import Collection, Effort
from post_collection.server import CollectionError, Server
from tests.post_index_service.conftest import TEXT_DIMENSION, TOWER_DIMENSION, make_index_posts, unit_rows

POSTS = make_index_posts()
USERS = unit_rows(np.random.default_rng(5), 1, TOWER_DIMENSION)
NUMBERS = POSTS.tower_embeddings @ USERS[0]
BEST = np.argsort(-NUMBERS)[:5]


@dataclass
class Answer:
    """What pymilvus gives of one query."""

    ids: Sequence[int]
    distances: Sequence[float]


@dataclass
class Answering:
    """A server that answers every search alike."""

    answer: Answer
    asked: list[str] = field(default_factory=list)
    uri: str = "http://milvus:19530"

    def ask(self, method: str, *_: object, **__: object) -> Any:
        self.asked.append(method)
        return [self.answer]


def check(answer: Answer) -> None:
    server = Answering(answer)
    canary = Canary("ana", "", None, tuple(POSTS.post_ids[BEST].tolist()), tuple(NUMBERS[BEST].tolist()))
    stored = CanaryEmbeddings(USERS, np.zeros((1, TEXT_DIMENSION), np.float32))
    check_canaries(
        Collection(cast(Server, server), "moodfeed_bundle_x", Effort(IndexKind.FLAT)),
        POSTS,
        [canary],
        stored,
        user_weight=0.5,
    )
    assert server.asked == ["search"]


def test_a_collection_that_finds_the_posts_passes() -> None:
    check(Answer(POSTS.post_ids[BEST].tolist(), NUMBERS[BEST].tolist()))


def test_posts_that_are_as_near_as_the_last_hit_may_be_missing() -> None:
    check(Answer([10**9 + number for number in range(64)], [float(NUMBERS[BEST[0]])] * 64))


@pytest.mark.parametrize("score", [-1.0, math.nan])
def test_a_collection_that_finds_others_is_refused_whatever_scores_it_gives_them(score: float) -> None:
    with pytest.raises(CollectionError, match="does not find 5 of the canaries' 5 posts: drop it"):
        check(Answer([10**9 + number for number in range(64)], [score] * 64))
