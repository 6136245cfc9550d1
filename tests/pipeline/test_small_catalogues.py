"""Any catalogue builds and serves, or is refused in one line before anything is trained."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bundle.index_posts import IndexPosts
from pipeline import train as training
from pipeline.training_config import TrainingConfig
from pipeline.validate import InvalidTablesError
from tests.pipeline.small_catalogues import MOMENT_KEYS, Catalogue, Event, Post, build, check_what_it_serves

ROOT = Path(__file__).parents[2]
LARGEST_ID = 2_000_000_000

posts = st.builds(
    Post,
    category_id=st.sampled_from([None, 2, 7, LARGEST_ID]),
    title=st.sampled_from(["", "a title", "😂", "\x07"]),
    text=st.sampled_from(["", "calm sea", "a loud dog runs"]),
    is_locked=st.booleans(),
)


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    some = tuple(draw(st.lists(posts, min_size=1, max_size=30)))
    users = draw(st.integers(0, 10))
    events = st.builds(
        Event,
        user=st.integers(0, max(users - 1, 0)),
        post=st.integers(0, len(some) - 1),
        verb=st.sampled_from([*MOMENT_KEYS]),
        minute=st.integers(0, 400_000),
    )
    return Catalogue(some, users, tuple(draw(st.lists(events, max_size=50 if users else 0))))


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    derandomize=True,
)
@given(catalogues())
@example(Catalogue([Post()]))
@example(Catalogue([Post(category_id=None, title="", text="")]))
@example(Catalogue([Post(), Post(category_id=7)], users=1, events=[Event(0, 0)]))
@example(Catalogue([Post(text="")] * 12, users=3))
@example(Catalogue([Post(is_locked=True)] * 2, users=1, events=[Event(0, 1)]))
def test_a_catalogue_builds_and_serves_or_is_refused_before_training(catalogue: Catalogue) -> None:
    with tempfile.TemporaryDirectory() as directory:
        if not catalogue.servable:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(training, "fit", lambda *_, **__: pytest.fail("it was trained"))
                with pytest.raises(InvalidTablesError, match="no post can be served") as refused:
                    build(catalogue, Path(directory))
            assert "\n" not in str(refused.value)
            return
        bundle = build(catalogue, Path(directory))
        assert bundle.manifest.offline_metrics == {}
        check_what_it_serves(catalogue, bundle)


def test_a_whole_number_in_a_file_of_settings_serves_for_a_fraction(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("epochs = 1\ntaste_from_mean = 0\ntext_scale = 1\ndropout = 0", encoding="utf-8")
    events = [Event(user, post, "like", 60 * (user + post)) for user in range(3) for post in range(4)]
    catalogue = Catalogue([Post()] * 6, users=3, events=events)
    bundle = build(catalogue, tmp_path, TrainingConfig.read(path))
    assert bundle.manifest.tower["taste_from_mean"] == 0.0
    assert type(bundle.manifest.tower["taste_from_mean"]) is float
    check_what_it_serves(catalogue, bundle)


def test_a_renamed_category_has_the_name_of_its_newest_post(tmp_path: Path) -> None:
    posts = [Post(category_name="old"), Post(category_name="old"), Post(category_name="new", is_locked=True)]
    assert [category.name for category in IndexPosts.read(build(Catalogue(posts), tmp_path)).categories] == ["new"]


def test_memory_does_not_follow_the_size_of_a_category_id(tmp_path: Path) -> None:
    """An array of one byte an id would have 2 GB."""
    program = f"""
import resource
from pathlib import Path
from tests.pipeline.small_catalogues import Catalogue, Event, Post, build, check_what_it_serves
import torch

def private_kilobytes():
    return int(Path("/proc/self/status").read_text(encoding="utf-8").split("VmData:")[1].split()[0])

events = [Event(user, post, "view", 1000 * user + post) for user in range(4) for post in range(6)]
catalogue = Catalogue([Post(category_id={LARGEST_ID} + post % 2) for post in range(8)], users=4, events=events)
allowed = private_kilobytes() * 1024 + 1_500_000_000
resource.setrlimit(resource.RLIMIT_DATA, (allowed, allowed))
check_what_it_serves(catalogue, build(catalogue, Path({str(tmp_path)!r})))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
