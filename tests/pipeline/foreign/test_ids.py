"""Names become ids that are the same at every import, and integers stay what they are."""

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.foreign.ids import number_names, same_id
from pipeline.spilling_database import one_row, small_database

NAMES = st.one_of(
    st.integers(0, 2**63 - 1).map(str), st.text(min_size=1, max_size=8).filter(lambda text: "\x00" not in text),
    st.sampled_from(["007", "-1", "1e3", str(2**63), "9" * 30]),
)  # fmt: skip


def numbers_of(names: list[str]) -> dict[str, tuple[int, bool]]:
    with small_database() as connection:
        connection.execute("CREATE TEMP TABLE given (name VARCHAR)")
        connection.executemany("INSERT INTO given VALUES (?)", [(name,) for name in names])
        number_names(connection, "SELECT name FROM given", "numbers")
        found = connection.execute("SELECT name, number, is_number FROM numbers").fetchall()
        connection.execute("DROP TABLE numbers")
    return {name: (number, kept) for name, number, kept in found}


@settings(deadline=None, max_examples=60)
@given(st.lists(NAMES, min_size=1, max_size=20))
@example([str(2**63 - 1), "a"])
def test_every_name_gets_one_number_of_64_bits_and_the_same_one_in_any_order(names: list[str]) -> None:
    found = numbers_of(names)
    assert set(found) == set(names)
    assert len({number for number, _ in found.values()}) == len(set(names))
    assert all(0 <= number < 2**63 for number, _ in found.values())
    assert found == numbers_of(random.Random(0).sample(names, len(names)))
    assert all(number == int(name) for name, (number, kept) in found.items() if kept)


def test_integers_keep_themselves_and_texts_get_the_numbers_after_them() -> None:
    assert numbers_of(["b", "12", "a", "3", "007"]) == {
        "3": (3, True),
        "12": (12, True),
        "007": (13, False),
        "a": (14, False),
        "b": (15, False),
    }


def test_where_there_is_no_room_after_the_largest_integer_all_are_numbered() -> None:
    assert numbers_of([str(2**63 - 1), "a", "5"]) == {"5": (1, False), str(2**63 - 1): (2, False), "a": (3, False)}


@pytest.mark.parametrize(
    ("text", "same"),
    [("603", "603"), ("603.0", "603"), (" 603 ", "603"), ("603.50", "603.50"), ("a b ", "a b"), ("\u00a0ann\t", "ann"),
     ("007", "007"), ("Ünïcode", "Ünïcode"), ("v1.0", "v1.0")],
)  # fmt: skip
def test_an_id_is_unchanged_but_for_blanks_around_it_and_an_integer_written_otherwise(text: str, same: str) -> None:
    with small_database() as connection:
        assert one_row(connection, f"SELECT {same_id('t')} FROM (SELECT $1::VARCHAR AS t)", [text]) == (same,)
