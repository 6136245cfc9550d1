"""Data without categories, users or interactions gives a bundle that serves; data without posts to serve, one error."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from bundle.directory import Bundle, open_bundle
from bundle.file_names import EVALUATION, REPORT
from bundle.index_posts import IndexPosts
from bundle.known_users import KnownUsers
from mood_encoder.encoder_files import default_encoder_directory
from pipeline.dataset import Dataset, DatasetError, read_dataset
from pipeline.evaluate import TooLittleDataError, evaluate
from pipeline.export import export
from pipeline.tables import read_interactions, read_posts, read_users, write_posts, write_users
from pipeline.train import train
from pipeline.training_config import TrainingConfig
from pipeline.workspace import Workspace
from post_index_service.loading import load as load_index
from post_index_service.query import Query
from tests.pipeline.interaction_rows import write_interactions
from user_tower_service.loading import loader
from user_tower_service.settings import Settings

CONFIG = TrainingConfig(epochs=1)
Tables = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]
"""Posts, users, interactions."""


def without_categories(tables: Tables) -> Tables:
    """Only posts that may not be served have a category."""
    posts, users, interactions = tables
    return posts.assign(category_id=posts["category_id"].mask(posts["is_servable"])), users, interactions


def without_interactions(tables: Tables) -> Tables:
    return tables[0], tables[1], tables[2][:0]


def without_users(tables: Tables) -> Tables:
    return tables[0], tables[1][:0], tables[2][:0]


def all_locked(tables: Tables) -> Tables:
    return tables[0].assign(is_servable=False), tables[1], tables[2]


def changed(workspace: Workspace, directory: Path, change: Callable[[Tables], Tables]) -> Dataset:
    clean = workspace.clean
    posts, users, interactions = change((read_posts(clean), read_users(clean), read_interactions(clean)))
    write_posts(posts, directory)
    write_users(users, directory)
    write_interactions(interactions, directory)
    return read_dataset(directory, workspace.text_embeddings)


@pytest.fixture(scope="module", params=[without_categories, without_interactions, without_users])
def poor(
    request: pytest.FixtureRequest, small_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Callable[[Tables], Tables], Bundle]:
    """What the data lacks, and the bundle made of it."""
    directory = tmp_path_factory.mktemp("poor")
    dataset = changed(small_workspace, directory / "clean", request.param)
    published = export(
        dataset,
        train(dataset, CONFIG),
        None,
        encoder_directory=default_encoder_directory(),
        bundles=directory / "bundles",
        sidecar={},
    )
    return request.param, open_bundle(published.directory)


def test_the_bundle_serves_users_and_moods(poor: tuple[Callable[[Tables], Tables], Bundle]) -> None:
    change, bundle = poor
    index, encoder = load_index(bundle), loader(Settings())(bundle)  # each proves itself by the canaries
    usernames = KnownUsers.read(bundle).usernames
    assert bool(usernames) is (change is not without_users)
    categories = [category.category_id for category in IndexPosts.read(bundle).categories]
    assert bool(categories) is (change is not without_categories)
    canaries = bundle.manifest.canaries
    assert len(canaries) == (9 if usernames else 0)
    assert {canary.category_id for canary in canaries if canary.mood} <= {None, *categories}
    assert all(canary.post_ids for canary in canaries)
    for username in [*usernames[:1], "nobody at all"]:
        context = encoder.encode_context(username, "calm")
        assert (context.user is None) is (username == "nobody at all")
        for category_id in (None, *categories[:1]):
            assert index.search(Query(user=context.user, mood=context.mood, category_id=category_id)).posts
        assert len(index.search(Query(user=context.user, mood=context.mood)).posts) == 10
    if usernames:
        assert len(index.search(Query(user=encoder.encode_context(usernames[0], "").user)).posts) == 10


def test_a_bundle_without_an_evaluation_says_so(poor: tuple[Callable[[Tables], Tables], Bundle]) -> None:
    _, bundle = poor
    assert bundle.manifest.offline_metrics == {}
    assert EVALUATION not in bundle.manifest.files
    assert [path.name for path in (bundle.directory / REPORT).parent.iterdir()] == ["report.html"]
    page = (bundle.directory / REPORT).read_text(encoding="utf-8")
    assert "exported without an evaluation" in page
    assert "<img" not in page
    assert "Example users" in page


def test_data_without_interactions_cannot_be_evaluated_on(small_workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(TooLittleDataError, match="fetch more data"):
        evaluate(changed(small_workspace, tmp_path / "clean", without_interactions), CONFIG)


def test_data_whose_posts_are_all_locked_is_refused_before_training(small_workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"posts\.parquet: none of the \d+ posts may be served"):
        changed(small_workspace, tmp_path / "clean", all_locked)
