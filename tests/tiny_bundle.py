"""A whole bundle in a few kilobytes: every file of a real one, with towers and a BERT of random weights; no torch."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from bundle import file_names
from bundle.canary_embeddings import CanaryEmbeddings
from bundle.directory import point_current_at, write_bundle
from bundle.index_posts import UNKNOWN_MOMENT, Category, IndexPosts
from bundle.known_users import HistoryPosts, KnownUsers
from bundle.manifest import Canary, Manifest
from bundle.post_steps import FARTHEST, PostSteps
from bundle.post_trends import PostTrends, pair_key
from bundle.served_posts import PostTable, ServedPost
from two_tower.features import NUMERIC_FEATURES
from two_tower.tower_config import TowerConfig
from two_tower.tower_files import Shapes, post_tower_shapes, user_tower_shapes, write_words

TOWER = TowerConfig(
    text_dimension=8,
    post_count=6,
    category_count=3,
    word_count=3,
    tower_dimension=8,
    representation_dimension=4,
    hidden_dimension=4,
    history_length=4,
    heads=2,
)
CATEGORY_IDS = np.array([0, 2, 2, 7, 7], dtype=np.int32)
POST_IDS = np.array([40, 20, 30, 10, 50], dtype=np.int64)  # of the index; a history may name post 60 too
EXTERNAL_IDS = ("", "tt0133093", "", "10,5", "30")  # one post is called as another one is numbered
LANGUAGES = ("", "en", "de", "en", "")
CREATED_MS = np.array([UNKNOWN_MOMENT, 1_599_000_000_000, 1_599_900_000_000, 1_600_000_000_000, 0])

NEWEST_MOMENT_MS = 1_600_000_000_000  # of the interactions in the bundle

TINY_ENCODER = Path(__file__).parent / "golden" / "encoder"
"""The files of a tiny BERT, which scripts/write_golden.py writes: the conversion to 8 bits needs torch and NNCF."""

MANIFEST = Manifest(
    tower_dimension=TOWER.tower_dimension,
    text_dimension=TOWER.text_dimension,
    max_tokens=128,
    user_weight=0.5,
    tower=TOWER.as_facts(),
    counts={"posts": 6, "servable_posts": 5, "users": 3, "interactions": 4},
    offline_metrics={"two-tower": {"recall_at_10": 0.25, "ndcg_at_10": 0.125}},
    library_versions={"numpy": "2"},
    canaries=(Canary(username="ana", mood="", category_id=None, post_ids=(10, 20), scores=(0.5, 0.25)),),
)


def tiny_files(seed: int = 0) -> Callable[[Path], None]:
    """A function that writes the files of a tiny bundle into a directory; another seed gives other bytes."""

    def write_files(directory: Path) -> None:
        random = np.random.default_rng(seed)
        tower, text = _unit_rows(random, len(POST_IDS), 8), _unit_rows(random, len(POST_IDS), 8)
        text[0] = 0  # a post without words
        IndexPosts(
            post_ids=POST_IDS,
            category_ids=CATEGORY_IDS,
            tower_embeddings=tower,
            text_embeddings=text.astype(np.float16),
            popularity=random.random(len(POST_IDS), dtype=np.float32),
            created_ms=CREATED_MS,
            posts=PostTable.of(
                ServedPost(
                    post_id,
                    f"https://video.example/{post_id}",
                    f"post {post_id}",
                    "",
                    category_id,
                    "mia",
                    external_id,
                    language,
                )
                for post_id, category_id, external_id, language in zip(
                    POST_IDS.tolist(), CATEGORY_IDS.tolist(), EXTERNAL_IDS, LANGUAGES, strict=True
                )
            ),
            categories=(Category(2, "calm"), Category(7, "loud")),
        ).write(directory)
        PostTrends(
            np.array([0.0, 1.5, 0.0, 0.25, 0.0]),
            NEWEST_MOMENT_MS,
            np.array([pair_key("ana", 3), pair_key("béla", 1)]),
            np.array([NEWEST_MOMENT_MS - 1000, NEWEST_MOMENT_MS]),
            np.array([0.5, 2.0, 0.0, 1.25, 0.0], dtype=np.float32),
        ).write(directory)
        PostSteps(
            offsets=np.array([0, 0, 2, 2, 3, 3]),
            followers=np.array([2, 3, 4], dtype=np.int32),
            counts=np.array([3, 1, 0.5], dtype=np.float32),
            order_shares=np.eye(2 * FARTHEST + 1, dtype=np.float32)[FARTHEST + 1] * np.float32(0.25),
        ).write(directory)
        HistoryPosts(
            post_ids=np.arange(10, 70, 10), representations=random.normal(size=(6, 4)).astype(np.float32)
        ).write(directory)
        KnownUsers(
            user_ids=np.array([1, 2, 3]),
            usernames=("ana", "béla", "😀"),
            offsets=np.array([0, 3, 3, 4]),
            post_ids=np.array([10, 60, 20, 50]),
            verbs=np.array([0, 1, 2, 3], dtype=np.int8),
            strengths=np.array([0.2, 0.5, 1.0, 0.75], dtype=np.float32),
            days=np.array([-3, -2, -1, -5], dtype=np.float32),
        ).write(directory)
        CanaryEmbeddings(_unit_rows(random, 1, 8), np.zeros((1, 8), dtype=np.float32)).write(directory)
        for name, content in _towers_and_encoder().items():
            (directory / name).parent.mkdir(exist_ok=True)
            (directory / name).write_bytes(content)
        write_words(("one", "two", "one two"), directory)
        (directory / file_names.EVALUATION).write_text("{}", encoding="utf-8")

    return write_files


def write_tiny_bundle(root: Path, *, seed: int = 0, created_at: str = "2026-01-01T00:00:00+00:00") -> Path:
    """Write a tiny bundle under ``root`` and return its directory; it is not made current."""
    return write_bundle(root, MANIFEST, write_files=tiny_files(seed), sidecar={"created_at": created_at})


def write_servable_tiny_bundle(root: Path, *, seed: int = 0) -> Path:
    """Write a tiny bundle that processes serve, and make it current: random weights have no canaries to keep."""

    def write_files(directory: Path) -> None:
        tiny_files(seed)(directory)
        CanaryEmbeddings(np.zeros((0, 8), dtype=np.float32), np.zeros((0, 8), dtype=np.float32)).write(directory)

    directory = write_bundle(
        root,
        replace(MANIFEST, canaries=()),
        write_files=write_files,
        sidecar={"created_at": "2026-01-01T00:00:00+00:00"},
    )
    point_current_at(root, directory.name)
    return directory


def _unit_rows(random: np.random.Generator, rows: int, dimension: int) -> np.ndarray:
    vectors = random.normal(size=(rows, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@cache
def _towers_and_encoder() -> dict[str, bytes]:
    """The files that hold weights and what belongs to them, the same at each call."""
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        shutil.copytree(TINY_ENCODER, directory / file_names.MOOD_ENCODER)
        save_file(random_weights(random, user_tower_shapes(TOWER), spread=0.2), directory / file_names.USER_TOWER)
        save_file(
            random_weights(random, post_tower_shapes(TOWER), spread=0.2)
            | {
                "known.numeric": np.zeros((6, len(NUMERIC_FEATURES)), dtype=np.float32),
                "known.category_rows": np.array([2, 1, 1, 0, 2, 0]),
                "known.category_ids": np.array([2, 7]),
                "known.is_new": np.zeros(6, dtype=np.bool_),
            },
            directory / file_names.POST_TOWER,
        )
        return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def random_weights(random: np.random.Generator, shapes: Shapes, *, spread: float) -> dict[str, np.ndarray]:
    """As a training begins: norms and scales of 1, biases of 0, all else random."""

    def weight(name: str, shape: tuple[int, ...]) -> np.ndarray:
        if "norm" in name.lower() or name.startswith("feed_forward.0.") or not shape:
            return np.full(shape, name.endswith("weight") or not shape, dtype=np.float32)
        values = random.normal(scale=0 if name.endswith("bias") else spread, size=shape).astype(np.float32)
        if name == "words.weight":
            values[0] = 0  # stands for no word; training leaves it as it is
        return values

    return {name: weight(name, shape) for name, shape in shapes.items()}
