"""Activity that people cannot produce: scripts, tests, wrong clocks."""

import hashlib
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.validation_report import Finding, Level

MOST_EVENTS_A_MINUTE = 60  # a person who looks at each video for a second
SUSPICIOUS_SHARE = 0.2  # of all events, from one person or on one post
LARGEST_SHARE = 0.5
FEWEST_PEOPLE = 20  # among fewer people, one of them may well make most of the events
FEWEST_EVENTS = 1000
LARGEST_SHARE_BEFORE_POST = 0.5
_MINUTE = 60_000  # milliseconds
_DAY = 24 * 60 * _MINUTE
_NULL = np.iinfo(np.int64).min
_LARGEST_GAP_DAYS = 365
_NEWEST_SHARE = 0.001

Columns = Mapping[str, NDArray[np.generic]]


def impossible_activity(
    events: Columns, posts: Columns, users: Columns, *, total: int | None = None
) -> tuple[Finding, ...]:
    """Findings about the events' ``user_id``, ``post_id``, ``at`` (milliseconds) and ``verb`` (its number).

    Of ``posts`` the columns post_id and created_at are read, of ``users`` user_id. Creation times of accounts are not
    stored, so events are not compared with them. ``total`` is the number of all events where ``events`` are those of a
    sample of people.
    """
    if not len(events["user_id"]):
        return ()
    return (
        *_orphans(events, posts, users),
        *_repetitions(events),
        *_hasty_people(events),
        *_dominant(events["user_id"], "user", "person", of=total or len(events["user_id"])),
        *_dominant(events["post_id"], "post", "post", of=len(events["post_id"])),
        *_before_the_post(events, posts),
        *_alone_in_the_future(events),
    )


def _orphans(events: Columns, posts: Columns, users: Columns) -> list[Finding]:
    findings = []
    for name, table in (("post_id", posts), ("user_id", users)):
        unknown = ~np.isin(events[name], table[name])
        if unknown.any():
            example = f"{name} {events[name][unknown][0]}"
            what = f"{name} is not in the table of {name.removesuffix('_id')}s"
            findings.append(Finding(Level.ERROR, "interaction", what, int(unknown.sum()), len(unknown), example))
    return findings


def _repetitions(events: Columns) -> list[Finding]:
    keys = np.sort(_keys(events, "user_id", "post_id", "verb", "at"))
    repeated = int((keys[1:] == keys[:-1]).sum())
    if not repeated:
        return []
    what = "duplicate events: same person, post, verb and timestamp"
    return [Finding(Level.WARNING, "interaction", what, repeated, len(keys), "")]


def _hasty_people(events: Columns) -> list[Finding]:
    """People with more events in one minute than a person can make, where moments are finer than a day."""
    at = events["at"].astype(np.int64)
    if (at % _DAY == 0).mean() > 0.5 or len(np.unique(at[: 10 * FEWEST_EVENTS])) == 1:
        return []  # dates without a time, or no clock at all
    by_minute = pd.DataFrame({"user_id": events["user_id"], "minute": at // _MINUTE})
    counts = by_minute.groupby(["user_id", "minute"], sort=False).size()
    hasty = counts[counts > MOST_EVENTS_A_MINUTE]
    if hasty.empty:
        return []
    people = hasty.index.get_level_values("user_id")
    worst = int(hasty.to_numpy().argmax())
    moment = pd.Timestamp(int(hasty.index.get_level_values("minute")[worst]) * _MINUTE, unit="ms", tz="UTC")
    example = f"user_id {people[worst]}: {hasty.max()} events in the minute of {moment:%Y-%m-%d %H:%M}"
    total = len(np.unique(events["user_id"]))
    what = f"more than {MOST_EVENTS_A_MINUTE} events in one minute"
    return [Finding(Level.WARNING, "user", what, people.nunique(), total, example)]


def _dominant(ids: NDArray[np.generic], table: str, name: str, *, of: int) -> list[Finding]:
    values, counts = np.unique(ids, return_counts=True)
    share = counts.max() / of
    if len(ids) < FEWEST_EVENTS or len(values) < FEWEST_PEOPLE or share <= SUSPICIOUS_SHARE:
        return []
    level = Level.ERROR if share > LARGEST_SHARE and name == "person" else Level.WARNING
    example = f"{table}_id {values[counts.argmax()]}"
    return [Finding(level, table, f"one {name} has {share:.0%} of all events", int(counts.max()), of, example)]


def _before_the_post(events: Columns, posts: Columns) -> list[Finding]:
    """Events more than a day before their post: less may be another time zone."""
    order = np.argsort(posts["post_id"], kind="stable")
    ids, created = posts["post_id"][order], posts["created_at"][order].astype(np.int64)
    rows = np.clip(np.searchsorted(ids, events["post_id"]), 0, len(ids) - 1)
    at = events["at"].astype(np.int64)
    known = (ids[rows] == events["post_id"]) & (created[rows] != _NULL) & (at != _NULL)
    early = known & (at < np.where(known, created[rows], 0) - _DAY)
    if not early.any():
        return []
    first = int(np.flatnonzero(early)[0])
    moment = pd.Timestamp(int(at[first]), unit="ms", tz="UTC")
    example = f"post_id {events['post_id'][first]}, event of {moment:%Y-%m-%d %H:%M}"
    level = Level.ERROR if early.mean() > LARGEST_SHARE_BEFORE_POST else Level.WARNING
    what = "events more than a day before their post was created"
    return [Finding(level, "interaction", what, int(early.sum()), len(early), example)]


def _alone_in_the_future(events: Columns) -> list[Finding]:
    """The newest events, if a year without any lies before them: a wrong clock would set the end of the data."""
    at = events["at"].astype(np.int64)
    at = np.sort(at[at != _NULL])
    tail = at[-max(int(len(at) * _NEWEST_SHARE), 1) - 1 :]
    gaps = np.diff(tail)
    if not len(gaps) or gaps.max() <= _LARGEST_GAP_DAYS * _DAY:
        return []
    count = len(gaps) - int(gaps.argmax())
    moment = pd.Timestamp(int(tail[-1]), unit="ms", tz="UTC")
    what = f"more than {_LARGEST_GAP_DAYS} days after all other events: check the clock"
    return [Finding(Level.WARNING, "interaction", what, count, len(at), f"{moment:%Y-%m-%d %H:%M}")]


def _keys(events: Columns, *names: str) -> NDArray[np.uint64]:
    """A hash of each event's columns; unequal events have equal hashes once in 2**64."""
    key = np.full(len(events[names[0]]), 0, dtype=np.uint64)
    for name in names:
        hashed = pd.util.hash_array(events[name].astype(np.int64))
        salt = np.uint64(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little") | 1)
        key = (key ^ hashed) * salt
    return key
