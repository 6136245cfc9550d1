"""What the command prints is read by people on any terminal, and by programs in a pipe."""

import io
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console

from cli.feed_table import feed_table
from cli.terminal_text import plain, printable
from moodfeed.feed.v1 import feed_pb2
from tests.tiny_bundle import write_servable_tiny_bundle


def shown(*objects: object, width: int = 400) -> str:
    output = io.StringIO()
    Console(file=output, force_terminal=True, color_system=None, width=width).print(*objects)
    return output.getvalue()


@given(st.text(st.characters(codec="utf-8"), max_size=30))
@example("\x1b]0;owned\x07")
@example("\x9b31m")
@example("\u202egnp.exe")
def test_no_text_of_others_steers_the_terminal(text: str) -> None:
    post = feed_pb2.FeedPost(post_id=1, title=text, owner_username=text, category_id=2, external_id=text)
    category = feed_pb2.Category(category_id=2, name=text)
    table = feed_table(feed_pb2.GetFeedResponse(posts=[post]), title=text, categories=[category])
    for character in shown(table):
        assert character == "\n" or unicodedata.category(character) not in {"Cc", "Cs", "Co", "Cn"}
        assert character not in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@pytest.mark.parametrize("text", [":100:", "[red]fire[/red]", "[link=file:///etc/passwd]here[/link]", r"\[x]"])
def test_markup_and_codes_of_emoji_are_shown_as_they_are(text: str) -> None:
    post = feed_pb2.FeedPost(post_id=1, title=text, owner_username=text)
    table = shown(feed_table(feed_pb2.GetFeedResponse(posts=[post]), title=text))
    assert table.count(text) == 3


@given(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"])))
def test_what_can_be_seen_is_left_as_it_is(text: str) -> None:
    assert printable(text) == text
    assert plain(text).plain == text


def test_a_category_is_shown_by_its_name() -> None:
    post = feed_pb2.FeedPost(post_id=1, title="one", category_id=7)
    category = feed_pb2.Category(category_id=7, name="loud")
    assert "loud" in shown(feed_table(feed_pb2.GetFeedResponse(posts=[post]), title="", categories=[category]))


def test_a_feed_fits_into_80_columns_and_shows_keywords_where_there_is_no_title() -> None:
    posts = [
        feed_pb2.FeedPost(post_id=1, title=" \n", category_id=7, owner_username="f" * 44, score=0.5),
        feed_pb2.FeedPost(post_id=2, title="a long title " * 12, category_id=7, owner_username="ana", score=0.25),
        feed_pb2.FeedPost(post_id=3, category_id=0),
    ]
    category = feed_pb2.Category(category_id=7, name="a category with a long name, too long by far")
    feed = feed_pb2.GetFeedResponse(posts=posts, ranking=feed_pb2.RANKING_USER)
    stand_ins = {1: "keywords, of it", 2: "unused"}
    table = shown(feed_table(feed, title="", categories=[category], stand_ins=stand_ins), width=80)
    assert max(map(len, table.splitlines())) <= 80
    for text in ("keywords, of it", "(no title)", "0.500", "0.250", "ffff"):
        assert text in table
    assert "unused" not in table


def test_an_external_id_and_the_number_of_the_order_are_shown_where_they_say_something() -> None:
    post = feed_pb2.FeedPost(post_id=1, external_id="tt0133093", score=0.25, ranking_score=-2.75)
    by_mood = feed_pb2.GetFeedResponse(posts=[post], ranking=feed_pb2.RANKING_MOOD_THEN_USER)
    assert {"tt0133093", "ranking", "-2.750"} <= set(shown(feed_table(by_mood, title="")).split())
    post.external_id = ""
    by_user = shown(feed_table(feed_pb2.GetFeedResponse(posts=[post], ranking=feed_pb2.RANKING_USER), title=""))
    assert "external id" not in by_user
    assert "ranking" not in by_user


def command(*arguments: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        env=os.environ | variables,
        capture_output=True,
        timeout=120,
        check=False,
    )


def test_users_prints_bare_names_in_a_pipe(tmp_path: Path) -> None:
    write_servable_tiny_bundle(tmp_path)
    done = command("users", "--bundles", str(tmp_path))
    assert done.stdout.decode().splitlines() == ["ana", "😀", "béla"]


@pytest.mark.parametrize("variables", [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "latin-1"}])
def test_what_a_terminal_cannot_show_is_replaced(tmp_path: Path, variables: dict[str, str]) -> None:
    write_servable_tiny_bundle(tmp_path)
    done = command("users", "--bundles", str(tmp_path), **variables)
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(done.stdout.splitlines()) == 3


def test_help_is_grouped_and_has_a_short_name_and_there_is_a_version() -> None:
    asked = command("-h")
    assert asked.stdout == command("--help").stdout
    assert all(panel in asked.stdout.decode() for panel in ("Serve and ask", "Make a bundle", "Choose the bundle"))
    assert command("--version").stdout.startswith(b"moodfeed ")


def test_a_feed_that_lacks_something_says_what_and_why() -> None:
    degradations = [feed_pb2.Degradation(stage="shard 1 of 3", reason="SHARD_UNAVAILABLE")]
    feed = feed_pb2.GetFeedResponse(degradations=degradations, approximate=True)
    told = " ".join(shown(feed_table(feed, title=""), width=200).split())
    assert "last page, without shard 1 of 3 (SHARD_UNAVAILABLE), approximate" in told
    assert "without" not in shown(feed_table(feed_pb2.GetFeedResponse(), title=""), width=200)
