"""How a watched feed is shown."""

import io
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from cli.live_feed import Asked, Shown
from cli.watch_screen import lines, moved, screen
from moodfeed.feed.v1 import feed_pb2

STYLES = re.compile(r"\x1b\[[0-9;]*m|\n")


def shown(*post_ids: int, is_stranger: bool = False, title: str = "a title") -> Shown:
    posts = [feed_pb2.FeedPost(post_id=post_id, title=title, category_id=2) for post_id in post_ids]
    feed = feed_pb2.GetFeedResponse(posts=posts, ranking=feed_pb2.RANKING_USER, position=7, bundle_id="ab" * 32)
    return Shown(feed, Asked("ana", 2, "calm"), is_stranger=is_stranger)


def drawn(*arguments: object, **named: object) -> str:
    output = io.StringIO()
    Console(file=output, force_terminal=True, color_system=None, width=80).print(screen(*arguments, **named))
    return output.getvalue()


@pytest.mark.parametrize(
    ("before", "expected"),
    [((), ["", "", ""]), ((1, 2, 3), ["", "", ""]), ((2, 3, 1), ["+2", "-1", "-1"]), ((9, 1, 2), ["+1", "+1", "new"])],
)
def test_each_post_says_how_far_it_has_moved(before: tuple[int, ...], expected: list[str]) -> None:
    assert [moved(post_id, number, before) for number, post_id in enumerate((1, 2, 3), start=1)] == expected


def test_the_screen_shows_the_feed_what_was_said_and_what_is_typed() -> None:
    category = feed_pb2.Category(category_id=2, name="loud")
    text = drawn(shown(1, 5), (5, 1), categories=[category], said="like: post 5", typed="s1")
    for part in ("Feed of ana, category 2, calm", "loud", "+1", "-1", "like: post 5", "> s1", "position 7"):
        assert part in text
    assert "unknown so far" in drawn(shown(1, is_stranger=True), ())
    assert "> " in drawn(None, ())


@given(st.text(st.characters(codec="utf-8"), max_size=20))
def test_no_title_steers_the_terminal_or_breaks_a_line(title: str) -> None:
    of_screen = drawn(shown(1, title=title), (), stand_ins={1: title}, said=title, typed=title)
    assert not any(unicodedata.category(character) == "Cc" for character in STYLES.sub("", of_screen))
    head, post = lines(shown(1, title=title), stand_ins={1: title})
    assert head.startswith("# ")
    assert post.count("\t") == 2
    assert "\n" not in post
