"""What is typed while a feed is watched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.live_feed import Deed
from cli.watch_typing import Do, Quit, TypedLine, Unclear, Undo, read_command


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("l3", Do(Deed.LIKE, 3)),
        ("3", Do(Deed.LIKE, 3)),
        (" L 12 ", Do(Deed.LIKE, 12)),
        ("i1", Do(Deed.INSPIRE, 1)),
        ("v1", Do(Deed.VIEW, 1)),
        ("s1", Do(Deed.SKIP, 1)),
        ("n10", Do(Deed.NOT_INTERESTED, 10)),
        ("x3", Unclear("x3")),
        ("l", Unclear("l")),
        ("3l", Unclear("3l")),
        ("l٣", Unclear("l٣")),
        ("l99999", Unclear("l99999")),
    ],
)
def test_a_line_is_a_deed_and_a_number(line: str, expected: object) -> None:
    assert read_command(line) == expected


def test_there_is_a_way_back_and_a_way_out() -> None:
    assert isinstance(read_command("u"), Undo)
    assert isinstance(read_command("undo"), Undo)
    assert isinstance(read_command("Q"), Quit)


def test_keys_become_lines_however_they_arrive() -> None:
    line = TypedLine()
    assert line.take("l") == []
    assert (line.take("\x1b[A\x1bOP4\x7f3"), line.text) == ([], "l3")
    assert line.take("\rs") == ["l3"]
    assert line.take("1\nn2\nu") == ["s1", "n2"]
    assert line.take("\x15q\r\r\n") == ["q"]
    assert line.take("\x04") == ["q"]
    assert (line.take("l\x04"), line.text) == ([], "l")


@given(st.lists(st.text(max_size=6), max_size=6))
def test_no_keys_are_ever_an_error(sent: list[str]) -> None:
    line = TypedLine()
    for text in sent:
        for whole in line.take(text):
            read_command(whole)
    assert line.text.isprintable()
