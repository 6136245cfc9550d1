"""A bundle of some thousand posts, an index that serves it over gRPC, and what brute force says it must answer."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import grpc
import numpy as np

from bundle.canary_embeddings import CanaryEmbeddings
from bundle.directory import point_current_at, write_bundle
from bundle.embedding_space import Embedding, EmbeddingKind, EmbeddingSpace
from bundle.held_bundles import HeldBundles
from bundle.index_posts import Category, IndexPosts
from bundle.manifest import Canary, Manifest
from bundle.post_steps import PostSteps
from bundle.post_trends import PostTrends
from bundle.served_posts import PostTable, ServedPost
from compute.bundle_admin import LoggedBundles
from compute.embedding_messages import write_embedding
from compute.log_tail import LogTail
from moodfeed.post_index.v1 import post_index_pb2, post_index_pb2_grpc
from post_index_service.index import PostIndex
from post_index_service.loading import EngineOfBundle, load
from post_index_service.orders import MOST_DENSE
from post_index_service.service import ERRORS, SERVICE_NAME, PostIndexService
from rpc.server import ServerOptions, start_server
from store.port import Store
from store.posts import PostEmbedding
from tests.post_index_service.conftest import unit_rows

TOWER, TEXT, USER_WEIGHT = 8, 12, 0.75
SIZES = {0: 60, 2: 900, 7: 300, 9: 40}
OWNERS = ("ana", "béla", 'o"quote', "dora")
LANGUAGES = ("en", "EN", "de", "")
NOON = 1_767_225_600_000

Search = post_index_pb2.SearchPostsRequest
Stub = post_index_pb2_grpc.PostIndexServiceStub


def contract_posts(seed: int = 0, sizes: dict[int, int] | None = None) -> IndexPosts:
    """Posts of four categories, a fifth of them twins of another one, so that scores are tied."""
    random = np.random.default_rng(seed)
    sizes = sizes or SIZES
    count = sum(sizes.values())
    category_ids = np.repeat(list(sizes), list(sizes.values())).astype(np.int32)
    post_ids = random.permutation(np.arange(1, 10 * count, 7)[:count]).astype(np.int64)
    order = np.lexsort((post_ids, category_ids))
    post_ids, category_ids = post_ids[order], category_ids[order]
    tower, text = unit_rows(random, count, TOWER), unit_rows(random, count, TEXT)
    twins, models = random.choice(count, size=count // 5, replace=False), random.choice(count, size=count // 5)
    tower[twins], text[twins] = tower[models], text[models]
    text[:: max(1, count // 20)] = 0  # posts without words
    return IndexPosts(
        post_ids=post_ids,
        category_ids=category_ids,
        tower_embeddings=tower,
        text_embeddings=text.astype(np.float16),
        popularity=np.round(random.random(count), 2).astype(np.float32),
        created_ms=NOON + random.integers(0, 1000, size=count),
        posts=PostTable.of(
            ServedPost(
                int(post_id),
                f"https://video.example/{post_id}",
                f"post {post_id}",
                "",
                int(category_id),
                OWNERS[row % len(OWNERS)],
                f"video-{post_id}" if row % 3 else "",
                LANGUAGES[row % len(LANGUAGES)],
            )
            for row, (post_id, category_id) in enumerate(zip(post_ids, category_ids, strict=True))
        ),
        categories=tuple(Category(number, f"category {number}") for number in sizes if number),
    )


def write_contract_bundle(root: Path, posts: IndexPosts, *, wrong_canary: bool = False) -> Path:
    """A bundle of these posts, with two canaries; it is not made current."""
    random = np.random.default_rng(1)
    user, mood = unit_rows(random, 2, TOWER), unit_rows(random, 2, TEXT)
    mood[0] = 0
    text = posts.text_embeddings.astype(np.float32)
    canaries = []
    for place, category_id in enumerate((None, 2)):
        shown = posts.tower_embeddings @ user[place]
        numbers = shown if place == 0 else text @ mood[place] + np.float32(USER_WEIGHT) * shown
        if category_id is not None:
            numbers = np.where(posts.category_ids == category_id, numbers, -np.inf)
        best = np.lexsort((posts.post_ids, numbers if wrong_canary else -numbers))[:10]
        canaries.append(
            Canary(
                "ana",
                "calm" if place else "",
                category_id,
                tuple(posts.post_ids[best].tolist()),
                tuple(shown[best].tolist()),
            )
        )
    manifest = Manifest(
        tower_dimension=TOWER,
        text_dimension=TEXT,
        max_tokens=128,
        user_weight=USER_WEIGHT,
        tower={},
        counts={"posts": len(posts.posts)},
        offline_metrics={},
        library_versions={},
        canaries=tuple(canaries),
    )

    def write_files(directory: Path) -> None:
        posts.write(directory)
        PostTrends.none(len(posts.posts)).write(directory)
        PostSteps.none(len(posts.posts)).write(directory)
        CanaryEmbeddings(user, mood).write(directory)

    return write_bundle(root, manifest, write_files=write_files, sidecar={})


@contextmanager
def served_index(
    root: Path,
    *,
    engine_of: EngineOfBundle | None = None,
    log: LogTail | None = None,
    most_dense: int = MOST_DENSE,
    watches: bool = False,
) -> Iterator[Stub]:
    """The index of a directory of bundles behind a real gRPC server; it follows ``current`` if it ``watches``."""
    loaded: Callable[..., PostIndex] = partial(load, log=log, engine_of=engine_of, most_dense=most_dense)
    held: HeldBundles[PostIndex] = HeldBundles(root, loaded, listener=LoggedBundles())
    running = start_server(
        ServerOptions("index", "127.0.0.1:0", "ADDRESS", pool_size=8, grace_seconds=0),
        add_services=lambda server: post_index_pb2_grpc.add_PostIndexServiceServicer_to_server(
            PostIndexService(held, log), server
        ),
        service_names=[SERVICE_NAME],
        errors=ERRORS,
    )
    try:
        with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
            if watches:
                with held.watched(look_seconds=0.05):
                    yield Stub(channel)
            else:
                yield Stub(channel)
    finally:
        running.stop(0)


@dataclass(frozen=True)
class Asked:
    """A search by its seeds: None for no user or no mood."""

    user: int | None = None
    mood: int | None = None
    category_id: int | None = None
    exclude: Sequence[int] = ()
    called: Sequence[str] = ()
    seen: Sequence[int] = ()
    owners: Sequence[str] = ()
    languages: Sequence[str] = ()
    created_after_ms: int | None = None
    categories: Sequence[int] = ()
    excluded_categories: Sequence[int] = ()
    similar_to: int | None = None
    more: dict[str, object] = field(default_factory=dict)

    def message(self, bundle_id: str, *, offset: int = 0, limit: int = 100, **fields: object) -> Search:
        message = Search(
            category_id=self.category_id,
            exclude_post_ids=self.exclude,
            exclude_external_ids=self.called,
            seen_post_ids=self.seen,
            excluded_owner_usernames=self.owners,
            languages=self.languages,
            created_after_ms=self.created_after_ms,
            category_ids=self.categories,
            excluded_category_ids=self.excluded_categories,
            similar_to_post_id=self.similar_to,
            offset=offset,
            limit=limit,
            **self.more,
            **fields,
        )
        if self.user is not None:
            message.user_embedding.CopyFrom(embedding(bundle_id, EmbeddingKind.TOWER, self.user))
        if self.mood is not None:
            message.mood_embedding.CopyFrom(embedding(bundle_id, EmbeddingKind.TEXT, self.mood))
        return message


def values(kind: EmbeddingKind, seed: int) -> np.ndarray:
    return unit_rows(np.random.default_rng(1000 + seed), 1, TOWER if kind is EmbeddingKind.TOWER else TEXT)[0]


def embedding(bundle_id: str, kind: EmbeddingKind, seed: int) -> object:
    vector = values(kind, seed)
    return write_embedding(Embedding(EmbeddingSpace(bundle_id, kind, len(vector)), vector))


def ranking_of(posts: IndexPosts, asked: Asked) -> list[int]:
    """The whole ranking, written from the contract in plain Python."""
    rows = [row for row in range(len(posts.post_ids)) if _passes(posts, asked, row)]
    user = None
    if asked.user is not None:
        user = np.einsum("rd,d->r", posts.tower_embeddings, values(EmbeddingKind.TOWER, asked.user))
    numbers = posts.popularity if user is None else user
    if asked.similar_to is not None:
        model = posts.tower_embeddings[posts.post_ids.tolist().index(asked.similar_to)]
        closeness = np.einsum("rd,d->r", posts.tower_embeddings, model)
        numbers = closeness if user is None else closeness + np.float32(USER_WEIGHT) * user
        rows = [row for row in rows if posts.post_ids[row] != asked.similar_to]
    elif asked.mood is not None:
        text = posts.text_embeddings.astype(np.float32)
        closeness = np.einsum("rd,d->r", text, values(EmbeddingKind.TEXT, asked.mood))
        numbers = closeness if user is None else closeness + np.float32(USER_WEIGHT) * user
    seen = set(asked.seen)
    rows.sort(key=lambda row: (int(posts.post_ids[row]) in seen, -numbers[row], posts.post_ids[row]))
    return [int(posts.post_ids[row]) for row in rows]


def _passes(posts: IndexPosts, asked: Asked, row: int) -> bool:
    post = posts.posts[row]
    languages = {language.casefold() for language in asked.languages}
    return (
        asked.category_id in {None, post.category_id}
        and (not asked.categories or post.category_id in asked.categories)
        and post.category_id not in asked.excluded_categories
        and post.post_id not in asked.exclude
        and (not post.external_id or post.external_id not in asked.called)
        and post.owner_username not in asked.owners
        and (not languages or post.language.casefold() in languages)
        and (asked.created_after_ms is None or posts.created_ms[row] > asked.created_after_ms)
    )


def keep_embeddings(store: Store, bundle_id: str, tower: dict[int, np.ndarray], *, seed: int = 3) -> int:
    """Give posts of the store their embeddings, as the user tower does; returns the position."""
    revisions = store.posts_by_id(list(tower))
    text = unit_rows(np.random.default_rng(seed), len(tower), TEXT)
    return store.keep_embeddings(
        bundle_id,
        [
            PostEmbedding(
                post_id=post_id,
                revision=revisions[post_id].position,
                tower=vector.astype("<f4").tobytes(),
                text=words.astype("<f2").tobytes(),
            )
            for (post_id, vector), words in zip(tower.items(), text, strict=True)
        ],
    )


def make_current(root: Path, directory: Path) -> None:
    point_current_at(root, directory.name)
