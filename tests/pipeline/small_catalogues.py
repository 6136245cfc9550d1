"""Small catalogues as an upstream sends them, and every stage from the raw store to a bundle that serves."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bundle.directory import Bundle, open_bundle
from mood_encoder.runtime import Runtime
from pipeline.clean import clean
from pipeline.dataset import read_dataset
from pipeline.embed import embed_posts
from pipeline.export import export
from pipeline.raw_store import RawStore
from pipeline.score import score
from pipeline.train import train
from pipeline.training_config import TrainingConfig
from pipeline.upstream import Json
from pipeline.validate import refuse_errors, validate
from pipeline.workspace import Workspace
from post_index_service.loading import load as load_index
from post_index_service.query import Query
from tests.tiny_bundle import TINY_ENCODER
from user_tower_service.loading import loader
from user_tower_service.settings import Settings

MOMENT_KEYS = {"view": "viewed_at", "like": "liked_at", "inspire": "inspired_at", "rating": "rated_at"}
CREATED_AT = 1_760_000_000_000  # milliseconds, October 2025


@dataclass(frozen=True, slots=True)
class Post:
    """What differs between posts."""

    category_id: int | None = 2
    title: str = "a title"
    text: str = "calm sea"
    is_locked: bool = False
    category_name: str = "loud"


@dataclass(frozen=True, slots=True)
class Event:
    """Rows of a user and a post in the catalogue, and the minutes since the posts were made."""

    user: int
    post: int
    verb: str = "view"
    minute: int = 0


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Posts, a number of users, and events."""

    posts: Sequence[Post]
    users: int = 0
    events: Sequence[Event] = field(default_factory=tuple)

    @property
    def categories(self) -> set[int]:
        """Those with a post to serve."""
        return {post.category_id for post in self.posts if post.category_id is not None and not post.is_locked}

    @property
    def servable(self) -> int:
        return sum(not post.is_locked for post in self.posts)

    def keep(self, store: RawStore) -> None:
        """Put it where a fetch puts it."""
        posts: list[Json] = [
            {
                "id": number,
                "title": post.title,
                "video_link": f"https://video.example/{number}",
                "is_locked": post.is_locked,
                "category": {"id": post.category_id, "name": post.category_name}
                if post.category_id is not None
                else [],
                "created_at": CREATED_AT,
                "username": "owner",
                "post_summary": {"description": post.text, "emotions": [post.text]} if post.text else [],
            }
            for number, post in enumerate(self.posts, start=1)
        ]
        users: list[Json] = [{"id": number, "username": f"user{number}"} for number in range(1, self.users + 1)]
        rows: dict[str, list[Json]] = {"post": posts, "user": users} | {verb: [] for verb in MOMENT_KEYS}
        for number, event in enumerate(self.events):
            row: dict[str, Json] = {"id": number, "user_id": event.user + 1, "post_id": event.post + 1}
            row[MOMENT_KEYS[event.verb]] = CREATED_AT + event.minute * 60_000
            if event.verb == "rating":
                row["rating_percent"] = 1 + event.minute % 100
            rows[event.verb].append(row)
        for name, table in rows.items():
            store.keep_page(name, 1, table)
            store.finish(name)


def prepare(catalogue: Catalogue, directory: Path) -> Workspace:
    """Every stage up to the text embeddings, with the tiny encoder."""
    workspace = Workspace(directory / "data")
    workspace.directory.mkdir()
    with RawStore(workspace.raw) as store:
        catalogue.keep(store)
    clean(workspace.raw, workspace.clean)
    refuse_errors(validate(workspace.clean), workspace.clean)
    score(workspace.clean, workspace.scores)
    embed_posts(
        workspace.clean,
        workspace.text_cache,
        workspace.text_embeddings,
        encoder_directory=TINY_ENCODER,
        runtime=Runtime.TORCH,
    )
    return workspace


def build(catalogue: Catalogue, directory: Path, config: TrainingConfig | None = None) -> Bundle:
    """Every stage with the tiny encoder and one epoch."""
    workspace = prepare(catalogue, directory)
    dataset = read_dataset(workspace.clean, workspace.text_embeddings)
    towers = train(dataset, config or TrainingConfig(epochs=1))
    with with_served_encoder_as_committed():
        published = export(
            dataset, towers, None, encoder_directory=TINY_ENCODER, bundles=directory / "bundles", sidecar={}
        )
    return open_bundle(published.directory)


@contextmanager
def with_served_encoder_as_committed() -> Iterator[None]:
    """Export the tiny encoder in 8 bits as it is committed: a conversion takes fifteen seconds, and has its tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.export.write_served_encoder", _copy_served_encoder)
        yield


def _copy_served_encoder(directory: Path, *, full: object) -> None:
    for name in ("model_int8.xml", "model_int8.bin"):
        shutil.copyfile(TINY_ENCODER / name, directory / name)


def check_what_it_serves(catalogue: Catalogue, bundle: Bundle) -> None:
    """Both services load the bundle, prove its canaries, and answer strangers by mood, and each user."""
    index, encoder = load_index(bundle), loader(Settings())(bundle)
    mood = encoder.encode_context("a stranger", "calm").mood
    for category_id in (None, *catalogue.categories):
        found = index.search(Query(mood=mood, category_id=category_id)).posts
        wanted = [post for post in catalogue.posts if not post.is_locked and category_id in {None, post.category_id}]
        assert len(found) == min(len(wanted), 10)
    for number in range(1, catalogue.users + 1):
        user = encoder.encode_context(f"user{number}", "").user
        assert user is not None
        assert len(index.search(Query(user=user)).posts) == min(catalogue.servable, 10)
