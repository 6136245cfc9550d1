"""A SQLite store whose log has any number of interactions; half of the people and nearly all posts are known.

    python -m benchmarks.scale.made_up_store data/store.sqlite --events 1000000

People have the names, and posts the ids, of ``made_up_raw_rows``. It takes about 120 bytes of disk an event. The keys
of the events, which only a process that records reads, are left out.
"""

import argparse
import sqlite3
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.scale.made_up_events import Drawn, Size, draw_events
from store.interactions import Verb
from store.log_entries import EntryKind
from store.sql_store import open_store

_VERBS = np.array([Verb.VIEW, Verb.LIKE, Verb.INSPIRE, Verb.RATING])
_SHARE_OF_SKIPS, _SHARE_OF_NOT_INTERESTED = 0.05, 0.01
_SHARE_OF_EACH_FAULT = 0.001  # posts that nobody knows, and interactions that were taken back
_ID_BYTES = 16
_LOG_ROW = (
    "INSERT INTO log (position, kind, person, since, moment, verb, post_id, watched_share, rating_percent, event_id, "
    "taken_back_at, body) VALUES (?1, ?2, ?3, ?1, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
)


def write_store(path: Path, size: Size, *, seed: int = 1) -> None:
    """Write the store; the positions of the log begin after the number of people."""
    with open_store(f"sqlite:///{path}"):  # makes the tables
        pass
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN")
    (index,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'log_by_person'").fetchone()
    connection.execute("DROP INDEX log_by_person")  # to sort it once is faster
    names = ((number + 1, f"{'visitor' if number % 2 else 'person'}{number + 1}") for number in range(size.people))
    connection.executemany("INSERT INTO people (id, username) VALUES (?, ?)", names)
    random = np.random.default_rng(seed)
    position = size.people
    for drawn in draw_events(size, random):
        _insert(connection, drawn, size, position, random)
        position += len(drawn.people)
    connection.execute("UPDATE head SET position = ?, filed_up_to = ?, filing_up_to = ?", (position,) * 3)
    connection.execute(index)
    connection.execute("COMMIT")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()


def _insert(connection: sqlite3.Connection, drawn: Drawn, size: Size, after: int, random: np.random.Generator) -> None:
    count = len(drawn.people)
    verbs = _VERBS[drawn.verbs]
    is_view = verbs == Verb.VIEW
    verbs[is_view & _some(count, _SHARE_OF_SKIPS, random)] = Verb.SKIP
    verbs[_some(count, _SHARE_OF_NOT_INTERESTED, random)] = Verb.NOT_INTERESTED
    posts = np.where(_some(count, _SHARE_OF_EACH_FAULT, random), size.posts + 1, drawn.posts + 1)
    positions = np.arange(after + 1, after + 1 + count)
    shares = random.random(count).round(3)
    taken_back = _some(count, _SHARE_OF_EACH_FAULT, random)
    keys = random.bytes(_ID_BYTES * count)
    pieces = [keys[start : start + _ID_BYTES] for start in range(0, len(keys), _ID_BYTES)]
    connection.executemany(
        _LOG_ROW,
        zip(
            positions.tolist(),
            [int(EntryKind.INTERACTION)] * count,
            (drawn.people + 1).tolist(),
            (drawn.seconds * 1000).tolist(),
            verbs.tolist(),
            posts.tolist(),
            [share if known else None for share, known in zip(shares.tolist(), is_view.tolist(), strict=True)],
            [
                20 * stars if verb == Verb.RATING else None
                for stars, verb in zip(drawn.stars.tolist(), verbs.tolist(), strict=True)
            ],
            [piece.hex() for piece in pieces],
            [
                position + 1 if is_so else None
                for position, is_so in zip(positions.tolist(), taken_back.tolist(), strict=True)
            ],
            pieces,
            strict=True,
        ),
    )


def _some(count: int, share: float, random: np.random.Generator) -> NDArray[np.bool_]:
    return random.random(count) < share


def main() -> None:
    """Write a store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--people", type=int, required=True)
    parser.add_argument("--posts", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    write_store(options.path, Size(options.events, options.people, options.posts), seed=options.seed)


if __name__ == "__main__":
    main()
