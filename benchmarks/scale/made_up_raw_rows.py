"""A raw store of any number of events, as `moodfeed fetch` leaves it, with a small share of every kind of dirty row.

    python -m benchmarks.scale.made_up_raw_rows data/raw.sqlite --events 1000000

It takes about 120 bytes of disk an event. A seed gives the same rows.
"""

import argparse
import json
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benchmarks.scale.made_up_events import FIRST_SECOND, Drawn, Size, draw_events
from pipeline.raw_events import MOMENT_KEYS
from pipeline.raw_store import RawStore

_SHARE_OF_EACH_FAULT = 0.001
_NOT_A_MOMENT = '"0000-00-00 00:00:00"'
_FETCHED_AT = datetime(2026, 7, 15, tzinfo=UTC)
_LATER = '"2027-01-01 00:00:00"'
_EARLIER = '"1999-01-01 00:00:00"'
_RARE_FORM = '"Sun, 01 Mar 2026 10:00:00 +0100"'  # SQL leaves it to Python
_ROWS_AT_ONCE = 50_000
_Row = tuple[str, int, str, int]


def write_raw_store(path: Path, size: Size, *, seed: int = 0) -> None:
    """Write the store; of its posts and people one in a thousand was deleted upstream since."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with RawStore(path) as store:  # makes the tables
        store.claim("made up")
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN")
    random = np.random.default_rng(seed)
    for rows in (*_posts(size.posts), *_people(size.people)):
        _insert(connection, rows)
    first_ids = dict.fromkeys(MOMENT_KEYS, 1)
    for drawn in draw_events(size, random):
        for place, verb in enumerate(MOMENT_KEYS):
            rows = _events_of(
                verb, drawn, np.flatnonzero(drawn.verbs == place), size, first_id=first_ids[verb], random=random
            )
            first_ids[verb] += len(rows)
            _insert(connection, rows)
    connection.execute("INSERT INTO facts VALUES ('fetched_at', ?)", (_FETCHED_AT.isoformat(),))
    connection.executemany("INSERT INTO complete_fetches VALUES (?, 1)", [("post",), ("user",)])
    connection.executemany(
        "INSERT INTO malformed VALUES ('view', ?)", [(json.dumps({"id": f"x{number}"}),) for number in range(10)]
    )
    connection.execute("COMMIT")
    connection.close()


def _insert(connection: sqlite3.Connection, rows: Sequence[_Row]) -> None:
    connection.executemany("INSERT INTO rows (endpoint, id, payload, fetch) VALUES (?, ?, ?, ?)", rows)


def _posts(count: int) -> Iterator[list[_Row]]:
    """Posts made in the half year before the first event."""
    for start in range(1, count + 1, _ROWS_AT_ONCE):
        rows = []
        for number in range(start, min(start + _ROWS_AT_ONCE, count + 1)):
            fields = {
                "id": number,
                "category": {"id": number % 40 + 1, "name": f"category {number % 40}"},
                "title": f"word{number % 97} word{number % 1009} word{number}",
                "video_link": f"https://video.example/{number}",
                "thumbnail_url": "",
                "is_locked": False,
                "is_available_in_public_feed": True,
                "created_at": (FIRST_SECOND - number % 182 * 86_400) * 1000,
                "username": f"person{number % 1000 + 1}",
                "post_summary": {"description": f"a video about word{number % 1009}", "emotions": ["calm"]},
            }
            rows.append(("post", number, json.dumps(fields, sort_keys=True), _is_listed(number)))
        yield rows


def _people(count: int) -> Iterator[list[_Row]]:
    for start in range(1, count + 1, _ROWS_AT_ONCE):
        yield [
            (
                "user",
                number,
                f'{{"follower_count": 0, "id": {number}, "is_verified": false, "username": "person{number}"}}',
                _is_listed(number),
            )
            for number in range(start, min(start + _ROWS_AT_ONCE, count + 1))
        ]


def _is_listed(number: int) -> int:
    return int(number % 1000 != 0)


def _events_of(
    verb: str,
    drawn: Drawn,
    chosen: NDArray[np.int64],
    size: Size,
    *,
    first_id: int,
    random: np.random.Generator,
) -> list[_Row]:
    """The rows of the chosen events, which have one verb: a fault is drawn for some, and some rows are there twice."""
    chosen = np.sort(np.concatenate([chosen, _some(chosen, random)]))
    people = (drawn.people[chosen] + 1).astype(str).astype(object)
    posts = (drawn.posts[chosen] + 1).astype(str).astype(object)
    moments = np.char.replace(drawn.seconds[chosen].astype("datetime64[s]").astype(str), "T", " ").astype(object)
    moments = '"' + moments + '"'
    places = np.arange(len(chosen))
    people[_some(places, random)] = str(size.people + 1)
    posts[_some(places, random)] = str(size.posts + 1)
    people[_some(places, random)] = '"one"'
    posts[_some(places, random)] = "null"
    for text in (_NOT_A_MOMENT, _LATER, _EARLIER, _RARE_FORM):
        moments[_some(places, random)] = text
    ids = first_id + places
    values = {"id": ids.astype(str), "user_id": people, "post_id": posts, MOMENT_KEYS[verb]: moments}
    if verb == "rating":
        values["rating_percent"] = (drawn.stars[chosen] * 20).astype(str).astype(object)
        values["rating_percent"][_some(places, random)] = "0"
    parts: list[pa.Array | str] = ["{"]
    for place, key in enumerate(sorted(values)):  # as the store writes them
        parts += [f'{", " if place else ""}"{key}": ', pa.array(values[key], type=pa.string())]
    payloads = pc.binary_join_element_wise(*parts, "}", "")
    return [(verb, row_id, payload, 1) for row_id, payload in zip(ids.tolist(), payloads.to_pylist(), strict=True)]


def _some(places: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
    return places[random.random(len(places)) < _SHARE_OF_EACH_FAULT]


def main() -> None:
    """Write a store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--people", type=int, required=True)
    parser.add_argument("--posts", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    write_raw_store(options.path, Size(options.events, options.people, options.posts), seed=options.seed)


if __name__ == "__main__":
    main()
