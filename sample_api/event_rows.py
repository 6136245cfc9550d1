"""Rows of the four event endpoints."""

import numpy as np
from numpy.typing import NDArray

from sample_api.activity import Events
from sample_api.calendar import text_of
from sample_api.rows import JsonValue, Row, Rows

MOMENT_KEYS = {"view": "viewed_at", "like": "liked_at", "inspire": "inspired_at", "rating": "rated_at"}
_ORPHAN_SHARE = 0.01
_NO_MOMENT = "0000-00-00 00:00:00"
_FIRST_ID = 17


def make_event_rows(
    random: np.random.Generator,
    events: Events,
    verb: str,
    *,
    post_ids: NDArray[np.int64],
    user_ids: NDArray[np.int64],
) -> Rows:
    """Rows ascending by id, with gaps; one row in a hundred names a post or user that has since been deleted.

    The last row is malformed: it has no moment.
    """
    count = len(events.day)
    if not count:
        return Rows(range(0), _never)
    source = np.repeat(np.arange(count), 1 + (random.random(count) < _ORPHAN_SHARE))
    is_orphan = np.diff(source, prepend=-1) == 0
    source = np.append(source, count - 1)
    is_orphan = np.append(is_orphan, False)
    steps = np.where(is_orphan, 1, random.geometric(0.6, size=len(source)))
    ids = _FIRST_ID + np.cumsum(steps)
    posts, users = post_ids[events.post[source]], user_ids[events.user[source]]
    lacks_post = is_orphan & (random.random(len(source)) < 0.5)
    posts[lacks_post] = post_ids[-1] + 500
    users[is_orphan & ~lacks_post] = user_ids.max() + 100_000
    days, ratings = events.day[source], events.rating[source]
    key = MOMENT_KEYS[verb]

    def row_of(index: int) -> Row:
        row: dict[str, JsonValue] = {
            "id": int(ids[index]),
            "post_id": int(posts[index]),
            "user_id": int(users[index]),
            key: _NO_MOMENT if index == len(ids) - 1 else text_of(float(days[index])),
        }
        if verb == "rating":
            row["rating_percent"] = int(ratings[index])
        return row

    return Rows(range(len(ids)), row_of)


def _never(index: int) -> Row:
    raise IndexError(index)
