"""Events of any number as Parquet, written in pieces: popularity and activity by Zipf, half a year, oldest first.

    python -m benchmarks.scale.made_up_events DIRECTORY --events 1000000

It takes the memory of one piece and of two tables of shares, whatever the number of events. A seed gives the same
files.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

_ROWS_AT_ONCE = 1_000_000
FIRST_SECOND = 1_767_225_600  # the start of 2026, seconds since 1970
_SECONDS = 182 * 86_400
_YEAR = 365 * 86_400
VERBS = ("view", "like", "share", "rating")
_VERB_ENDS = np.array([0.80, 0.94, 0.97])  # cumulative shares of the first three
_CATEGORIES = 40
_TITLE_WORDS = 20_000


@dataclass(frozen=True, slots=True)
class Size:
    """The numbers of rows of a made-up set."""

    events: int
    people: int
    posts: int

    @classmethod
    def of(cls, events: int) -> "Size":
        """50 events a person and 200 a post: 100 million events of 2 million people and 500,000 posts."""
        return cls(events, max(events // 50, 10), max(events // 200, 10))


def write_events(directory: Path, size: Size, *, seed: int = 0) -> None:
    """Write interactions.parquet and posts.parquet, as another program would export them, with texts as ids."""
    directory.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    _write(directory / "posts.parquet", _posts(size.posts, random))
    _write(directory / "interactions.parquet", _events(size, random))


@dataclass(frozen=True, slots=True)
class Drawn:
    """Some events, oldest first: the numbers of people and of posts from 0, verbs, stars and seconds since 1970.

    ``verbs`` are places in ``VERBS``; ``stars`` are of all events, also of those that are no ratings.
    """

    people: NDArray[np.int32]
    posts: NDArray[np.int32]
    verbs: NDArray[np.int64]
    stars: NDArray[np.int8]
    seconds: NDArray[np.int64]


def draw_events(size: Size, random: np.random.Generator) -> Iterator[Drawn]:
    """All events, in pieces."""
    person_of = _zipf(size.people, exponent=0.8, flat=size.people // 2_000 + 1)
    post_of = _zipf(size.posts, exponent=1.0, flat=size.posts // 5_000 + 1)
    people = random.permutation(size.people).astype(np.int32)  # a name does not tell how active its person is
    posts = random.permutation(size.posts).astype(np.int32)
    for start in range(0, size.events, _ROWS_AT_ONCE):
        rows = min(_ROWS_AT_ONCE, size.events - start)
        verbs = np.searchsorted(_VERB_ENDS, random.random(rows))
        stars = random.integers(1, 6, rows).astype(np.int8)
        spread = np.sort(random.random(rows))  # of this piece of the time
        yield Drawn(
            people=people[np.searchsorted(person_of, random.random(rows))],
            posts=posts[np.searchsorted(post_of, random.random(rows))],
            verbs=verbs,
            stars=stars,
            seconds=FIRST_SECOND + (_SECONDS * (start + rows * spread) / size.events).astype(np.int64),
        )


def _events(size: Size, random: np.random.Generator) -> Iterator[pa.Table]:
    for drawn in draw_events(size, random):
        yield pa.table(
            {
                "user_id": _names("u", drawn.people),
                "item_id": _names("p", drawn.posts),
                "event": pa.DictionaryArray.from_arrays(pa.array(drawn.verbs.astype(np.int8)), pa.array(VERBS)),
                "rating": pa.array(drawn.stars, mask=drawn.verbs != len(_VERB_ENDS)),
                "timestamp": drawn.seconds,
            }
        )


def _posts(count: int, random: np.random.Generator) -> Iterator[pa.Table]:
    """Posts made in the year before the first event."""
    for start in range(0, count, _ROWS_AT_ONCE // 4):
        numbers = np.arange(start, min(start + _ROWS_AT_ONCE // 4, count))
        words = np.minimum(random.zipf(1.3, (len(numbers), 6)), _TITLE_WORDS)
        yield pa.table(
            {
                "item_id": _names("p", numbers),
                "title": [" ".join(f"word{word}" for word in row) for row in words.tolist()],
                "category": _names("category ", random.integers(1, _CATEGORIES + 1, len(numbers))),
                "created_at": FIRST_SECOND - random.integers(0, _YEAR, len(numbers)),
            }
        )


def _zipf(count: int, *, exponent: float, flat: int) -> NDArray[np.float64]:
    """The cumulative shares of ranks by Zipf and Mandelbrot; about the first ``flat`` ranks are alike."""
    shares = np.cumsum((np.arange(count) + float(flat)) ** -exponent)
    return np.asarray(shares / shares[-1])


def _names(prefix: str, numbers: NDArray[np.integer]) -> pa.Array:
    return pc.binary_join_element_wise(prefix, pa.array(numbers).cast(pa.string()), "")


def _write(path: Path, tables: Iterator[pa.Table]) -> None:
    """Write the file whole or not at all."""
    partial = path.with_suffix(".partial")
    first = next(tables)
    with pq.ParquetWriter(partial, first.schema, compression="zstd") as writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(table)
    partial.rename(path)


def main() -> None:
    """Write a set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--people", type=int, help="by default a fiftieth of the events")
    parser.add_argument("--posts", type=int, help="by default a two-hundredth of the events")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    usual = Size.of(options.events)
    size = Size(options.events, options.people or usual.people, options.posts or usual.posts)
    write_events(options.directory, size, seed=options.seed)


if __name__ == "__main__":
    main()
