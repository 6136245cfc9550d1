"""Three bundles with other posts and other towers each, and every page that each of them gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bundle.canary_embeddings import CanaryEmbeddings
from bundle.directory import open_bundle, write_bundle
from bundle.index_posts import Category, IndexPosts
from bundle.post_steps import PostSteps
from bundle.post_trends import PostTrends
from bundle.served_posts import PostTable, ServedPost
from compute.recent_history import NO_HISTORY
from moodfeed.feed.v1 import feed_pb2
from post_index_service.filters import Filters
from post_index_service.index import PostIndex
from post_index_service.loading import load
from post_index_service.query import Query
from tests.post_index_service.conftest import unit_rows
from tests.tiny_bundle import MANIFEST, tiny_files
from user_tower_service.encoder import Encoder

SHARDS = 3
SIZE = 8
POSTS, CATEGORIES, OWNERS = 300, 9, 12
OF_SHARD_0 = 1  # a category


@dataclass(frozen=True)
class Asked:
    """A feed of the load; of what is reordered, a page of a feed that lacks a shard is not known beforehand."""

    username: str
    category_id: int | None = None
    mood: str = ""
    diversity: float = 0.0
    most_per_owner: int = 0

    @property
    def is_reordered(self) -> bool:
        return bool(self.diversity or self.most_per_owner)

    def request(self, page_token: str) -> feed_pb2.GetFeedRequest:
        return feed_pb2.GetFeedRequest(
            username=self.username,
            category_id=self.category_id,
            mood=self.mood,
            diversity=self.diversity,
            most_per_owner=self.most_per_owner,
            page_size=SIZE,
            page_token=page_token,
        )


FEEDS = (
    Asked("ana"),
    Asked("béla", mood="one two"),
    Asked("ana", category_id=OF_SHARD_0),
    Asked("ana", diversity=0.5),
    Asked("béla", most_per_owner=1),
)


def write_posts_bundle(root: Path, seed: int) -> Path:
    """A bundle that the tower and shards serve; its posts have ids, titles and vectors of its own."""
    random = np.random.default_rng(seed)
    post_ids = 1000 * seed + np.arange(POSTS)
    category_ids = np.sort(random.integers(0, CATEGORIES, POSTS)).astype(np.int32)
    posts = IndexPosts(
        post_ids=post_ids,
        category_ids=category_ids,
        tower_embeddings=unit_rows(random, POSTS, 8),
        text_embeddings=unit_rows(random, POSTS, 8).astype(np.float16),
        popularity=random.random(POSTS, dtype=np.float32),
        created_ms=np.full(POSTS, 1_700_000_000_000),
        posts=PostTable.of(
            ServedPost(
                int(post_id), "https://video.example/", f"of bundle {seed}", "", int(category), f"owner {owner}", ""
            )
            for post_id, category, owner in zip(
                post_ids.tolist(), category_ids.tolist(), random.integers(0, OWNERS, POSTS).tolist(), strict=True
            )
        ),
        categories=tuple(Category(number, f"category {number}") for number in range(1, CATEGORIES)),
    )

    def write_files(directory: Path) -> None:
        tiny_files(seed)(directory)
        posts.write(directory)
        PostTrends.none(POSTS).write(directory)
        PostSteps.none(POSTS).write(directory)
        CanaryEmbeddings(np.zeros((0, 8), dtype=np.float32), np.zeros((0, 8), dtype=np.float32)).write(directory)

    manifest = replace(MANIFEST, canaries=(), counts={"posts": POSTS})
    return write_bundle(root, manifest, write_files=write_files, sidecar={})


class Pages:
    """What one index gives of each bundle, and which shard holds which post."""

    def __init__(self, directories: Sequence[Path]) -> None:
        self._ranked: dict[tuple[str, Asked], tuple[int, ...]] = {}
        self._shard_of: dict[str, Mapping[int, int]] = {}
        for directory in directories:
            bundle = open_bundle(directory)
            encoder, index = Encoder(bundle, mood_cache_size=8), load(bundle)
            for asked in FEEDS:
                self._ranked[bundle.bundle_id, asked] = _ranking(encoder, index, asked)
            ids = IndexPosts.read(bundle).post_ids.tolist()
            self._shard_of[bundle.bundle_id] = {
                post_id: number
                for number in range(SHARDS)
                for post_id in load(bundle, shards=SHARDS, shard=number).held_ids(ids)
            }

    def is_right(self, asked: Asked, answer: feed_pb2.GetFeedResponse, *, page: int, lost: frozenset[int]) -> bool:
        """Whether a page is that of the bundle that it names, without the posts of ``lost`` shards."""
        shown = tuple(post.post_id for post in answer.posts)
        shard_of = self._shard_of[answer.bundle_id]
        if lost and asked.is_reordered:
            return len(set(shown)) == SIZE and all(shard_of.get(post_id, -1) not in {-1, *lost} for post_id in shown)
        left = [post_id for post_id in self._ranked[answer.bundle_id, asked] if shard_of[post_id] not in lost]
        return shown == tuple(left[page * SIZE : (page + 1) * SIZE])


def _ranking(encoder: Encoder, index: PostIndex, asked: Asked) -> tuple[int, ...]:
    context = encoder.encode_context(asked.username, asked.mood)
    query = Query(
        user=context.user,
        mood=context.mood,
        category_id=asked.category_id,
        seen_post_ids=context.seen_post_ids,
        recent_history=context.recent or NO_HISTORY,
        filters=Filters(excluded_owner_usernames=(asked.username,)),
        diversity=asked.diversity,
        most_per_owner=asked.most_per_owner,
        limit=SIZE,
    )
    found: list[int] = []
    for page in range(POSTS // SIZE):
        answer = index.search(query._replace(offset=page * SIZE))
        found += [item.post.post_id for item in answer.posts]
        if not answer.has_more:
            break
    return tuple(found)
