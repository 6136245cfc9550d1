from pathlib import Path

import numpy as np
import pytest

from bundle.blend import Blend
from bundle.canary_embeddings import CanaryEmbeddings
from bundle.directory import point_current_at, write_bundle
from bundle.index_posts import UNKNOWN_MOMENT, Category, IndexPosts
from bundle.manifest import Canary, Manifest
from bundle.post_steps import PostSteps
from bundle.post_trends import PostTrends
from bundle.served_posts import PostTable, ServedPost

TOWER_DIMENSION = 8
TEXT_DIMENSION = 12
CATEGORY_SIZES = {0: 5, 2: 40, 7: 9}


def unit_rows(random: np.random.Generator, rows: int, dimension: int) -> np.ndarray:
    vectors = random.normal(size=(rows, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def external_ids_of(count: int) -> list[str]:
    """A third of the posts are called what their number says, some others share a name."""
    return ["" if row % 3 == 0 else f"video-{row % 20}" for row in range(count)]


def make_index_posts(seed: int = 0) -> IndexPosts:
    """54 posts, a third of them twins of another one, so that scores are often tied."""
    random = np.random.default_rng(seed)
    count = sum(CATEGORY_SIZES.values())
    post_ids = np.sort(random.choice(10_000, size=count, replace=False)).astype(np.int64)
    post_ids = random.permutation(post_ids)
    category_ids = np.repeat(list(CATEGORY_SIZES), list(CATEGORY_SIZES.values())).astype(np.int32)
    order = np.lexsort((post_ids, category_ids))
    post_ids, category_ids = post_ids[order], category_ids[order]
    tower, text = unit_rows(random, count, TOWER_DIMENSION), unit_rows(random, count, TEXT_DIMENSION)
    twins = random.choice(count, size=count // 3, replace=False)
    models = random.choice(count, size=count // 3)
    tower[twins], text[twins] = tower[models], text[models]
    return IndexPosts(
        post_ids=post_ids,
        category_ids=category_ids,
        tower_embeddings=tower,
        text_embeddings=text.astype(np.float16),
        popularity=np.round(random.random(count), 1).astype(np.float32),
        created_ms=np.full(count, UNKNOWN_MOMENT),
        posts=PostTable.of(
            ServedPost(
                int(post_id), f"https://video.example/{post_id}", f"post {post_id}", "", int(category), "ana", called
            )
            for post_id, category, called in zip(post_ids, category_ids, external_ids_of(count), strict=True)
        ),
        categories=tuple(Category(number, f"category {number}") for number in CATEGORY_SIZES if number),
    )


def write_index_bundle(root: Path, *, blend: Blend | None = None) -> Path:
    """A bundle with all that the index reads, with one canary, made current."""
    posts = make_index_posts()
    user = unit_rows(np.random.default_rng(1), 1, TOWER_DIMENSION)
    scores = posts.tower_embeddings @ user[0]
    best = np.lexsort((posts.post_ids, -scores))[:10]
    canary = Canary(
        username="ana",
        mood="",
        category_id=None,
        post_ids=tuple(posts.post_ids[best].tolist()),
        scores=tuple(scores[best].tolist()),
    )
    manifest = Manifest(
        tower_dimension=TOWER_DIMENSION,
        text_dimension=TEXT_DIMENSION,
        max_tokens=128,
        user_weight=0.75,
        tower={},
        counts={"posts": len(posts.posts)},
        offline_metrics={},
        library_versions={},
        canaries=(canary,),
        blend=blend or Blend(),
    )

    def write_files(directory: Path) -> None:
        posts.write(directory)
        PostTrends.none(len(posts.posts)).write(directory)
        PostSteps.none(len(posts.posts)).write(directory)
        CanaryEmbeddings(user, np.zeros((1, TEXT_DIMENSION), dtype=np.float32)).write(directory)

    directory = write_bundle(root, manifest, write_files=write_files, sidecar={})
    point_current_at(root, directory.name)
    return directory


@pytest.fixture
def index_bundle(tmp_path: Path) -> Path:
    return write_index_bundle(tmp_path / "bundles")


@pytest.fixture(scope="session")
def index_posts() -> IndexPosts:
    return make_index_posts()
