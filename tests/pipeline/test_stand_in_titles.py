from pathlib import Path

import pandas as pd
import pytest

from bundle.directory import current_bundle, open_bundle
from bundle.index_posts import IndexPosts
from bundle.stand_in_titles import StandInTitle, find_stand_in_titles, read_stand_in_titles, write_stand_in_titles
from pipeline.stand_in_titles import stand_in_titles
from tests.tiny_bundle import write_tiny_bundle


@pytest.mark.parametrize(
    ("title", "keywords", "description", "stand_in"),
    [
        ("a title", "calm; sea", "a description", None),
        ("", "calm; sea; sky; sun; sand", "a description", "calm, sea, sky, sun"),
        (" \n", "", "a description", "a description"),
        ("\x07", ";;", "", None),
        ("", "", "word " * 40, "word " * 16 + "word…"),
    ],
)
def test_keywords_stand_in_for_a_title_and_a_description_for_keywords(
    title: str, keywords: str, description: str, stand_in: str | None
) -> None:
    posts = pd.DataFrame({"post_id": [7], "title": [title], "keywords": [keywords], "description": [description]})
    assert [(line.post_id, line.text) for line in stand_in_titles(posts)] == ([(7, stand_in)] if stand_in else [])


def test_a_bundle_holds_them_for_its_posts_without_a_title(small_bundles: Path) -> None:
    directory = current_bundle(small_bundles)
    posts = {post.post_id: post for post in IndexPosts.read(open_bundle(directory)).posts}
    found = read_stand_in_titles(directory)
    assert found
    assert found.keys() <= posts.keys()
    assert not [post_id for post_id in found if posts[post_id].title.strip()]
    without = [post_id for post_id, post in posts.items() if not post.title.strip()]
    assert len(found) > 0.9 * len(without)


def test_a_bundle_without_the_file_and_no_bundle_at_all_have_none(tmp_path: Path) -> None:
    assert read_stand_in_titles(write_tiny_bundle(tmp_path)) == {}
    assert read_stand_in_titles(tmp_path / "none") == {}


@pytest.mark.parametrize("count", [0, 1, 2, 3, 50])
def test_titles_of_some_posts_are_found_wherever_they_lie_in_the_file(tmp_path: Path, count: int) -> None:
    rows = [StandInTitle(3 * number + 1, f"keyword {number} \n é" * (number % 7 + 1)) for number in range(count)]
    write_stand_in_titles(tmp_path, rows)
    texts = {row.post_id: row.text for row in rows}
    assert find_stand_in_titles(tmp_path, range(-1, 3 * count + 5)) == texts


def test_a_missing_or_damaged_file_gives_no_titles(tmp_path: Path) -> None:
    assert find_stand_in_titles(tmp_path, [1]) == {}
    for damaged in (b"{", b"[]\n", b"1\n", b"\n\n", b'{"post_id":"a","text":1}\n'):
        (tmp_path / "stand_in_titles.jsonl").write_bytes(damaged)
        assert find_stand_in_titles(tmp_path, [1]) == {}
