"""How posts are divided over shards: by the bundle alone, with no category cut."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bundle.directory import open_bundle
from post_index_service.division import WHOLE, Division
from post_index_service.loading import load
from post_index_service.query import Query
from post_index_service.settings import Settings
from tests.post_index_service.conftest import write_index_bundle

SIZES = st.dictionaries(st.integers(0, 50), st.integers(1, 40), max_size=12)


def categories_of(sizes: dict[int, int]) -> np.ndarray:
    return np.repeat(sorted(sizes), [sizes[number] for number in sorted(sizes)]).astype(np.int32)


@given(sizes=SIZES, shards=st.integers(1, 6))
def test_every_post_is_in_exactly_one_shard_and_no_category_is_cut(sizes: dict[int, int], shards: int) -> None:
    category_ids = categories_of(sizes)
    division = Division.of(category_ids, shards)
    assert division.shards == shards
    spans = [division.shard(number).rows(category_ids) for number in range(shards)]
    assert [row for span in spans for row in range(span.start, span.stop)] == list(range(len(category_ids)))
    for number, span in enumerate(spans):
        shard = division.shard(number)
        assert shard.holds(category_ids).tolist() == [span.start <= row < span.stop for row in range(len(category_ids))]
        assert all(shard.has(category_id) for category_id in category_ids[span].tolist())


@given(sizes=SIZES, shards=st.integers(1, 4))
def test_no_other_division_in_this_order_has_a_smaller_largest_shard(sizes: dict[int, int], shards: int) -> None:
    counts = [sizes[number] for number in sorted(sizes)]

    def least(counts: list[int], shards: int) -> int:
        if shards == 1:
            return sum(counts)
        return min(max(sum(counts[:cut]), least(counts[cut:], shards - 1)) for cut in range(len(counts) + 1))

    category_ids = categories_of(sizes)
    division = Division.of(category_ids, shards)
    spans = [division.shard(number).rows(category_ids) for number in range(shards)]
    assert max(span.stop - span.start for span in spans) == least(counts, shards)


@given(sizes=SIZES, shards=st.integers(1, 6), category_id=st.integers(0, 2**31 - 2))
def test_a_category_that_only_live_posts_have_belongs_to_one_shard(
    sizes: dict[int, int], shards: int, category_id: int
) -> None:
    division = Division.of(categories_of(sizes), shards)
    assert [division.shard(number).has(category_id) for number in range(shards)].count(True) == 1


def test_posts_without_a_category_are_in_the_first_shard() -> None:
    division = Division.of(categories_of({0: 5, 3: 5, 4: 5}), 3)
    assert division.first_category_ids == (3, 4)
    assert division.shard(0).has(0)
    assert division.shard(1).name == "shard 1 of 3"


def test_one_shard_is_the_whole_index() -> None:
    assert Division.of(categories_of({0: 5, 3: 5}), 1).shard(0) == WHOLE
    assert WHOLE.is_whole


def test_a_shard_that_does_not_exist_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOODFEED_POST_INDEX_SHARDS", "2")
    monkeypatch.setenv("MOODFEED_POST_INDEX_SHARD", "2")
    with pytest.raises(ValueError, match="must be below MOODFEED_POST_INDEX_SHARDS, which is 2: the first shard is 0"):
        Settings()


def test_each_process_logs_its_shard_and_one_without_posts_warns(tmp_path: Path) -> None:
    bundle = open_bundle(write_index_bundle(tmp_path))
    with capture_logs() as logs:
        sizes = [len(load(bundle, shards=4, shard=number).search(Query(limit=100)).posts) for number in range(4)]
    told = [(each["log_level"], each["shard"], each["posts"]) for each in logs if each["event"] == "shard"]
    assert [shard for _, shard, _ in told] == [f"shard {number} of 4" for number in range(4)]
    assert [posts for _, _, posts in told] == sizes
    assert {level for level, _, posts in told if posts} == {"info"}
    assert [posts for level, _, posts in told if level == "warning"] == [0], "three categories, four shards"
