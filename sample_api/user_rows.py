"""Rows of the users endpoint. All personal data is invented; it is there so that ingestion has something to drop."""

import numpy as np

from sample_api.calendar import text_of
from sample_api.rows import Row, Rows
from sample_api.tastes import DAYS

NEWER_USER_KEYS = frozenset({"user_type", "has_wallet", "latitude", "longitude", "is_verified"})
"""Keys that the schema of a year ago did not have."""

_FIRST = (
    "ana",
    "bilal",
    "chen",
    "dora",
    "emre",
    "fatima",
    "goran",
    "hana",
    "ivo",
    "jun",
    "kofi",
    "lea",
    "mara",
    "nils",
)
_SECOND = ("sky", "river", "pixel", "moon", "ember", "lotus", "orbit", "maple", "noise", "stone", "wave", "fox")
_DUPLICATE_SHARE = 9 / 2349


def make_usernames(random: np.random.Generator, count: int) -> list[str]:
    """One username per user; a few are used twice, some are not ASCII, some are opaque."""
    names = []
    for number in range(count):
        kind = random.random()
        base = f"{random.choice(_FIRST)}_{random.choice(_SECOND)}{number}"
        if kind < 0.02:
            names.append(f"{base}_é世界")
        elif kind < 0.05:
            names.append("".join(random.choice(list("0123456789abcdef"), size=40)))
        else:
            names.append(base)
    for row in random.choice(np.arange(1, count), size=max(1, round(count * _DUPLICATE_SHARE)), replace=False):
        names[row] = names[row - 1]
    return names


def make_user_rows(random: np.random.Generator, usernames: list[str]) -> tuple[Rows, list[int]]:
    """The rows of all users, ascending by id, and the ids by row."""
    ids = np.cumsum(random.integers(1, 6, size=len(usernames))) + 9000
    rows = [_user_row(random, int(user_id), name) for user_id, name in zip(ids, usernames, strict=True)]
    rows.append({**_user_row(random, int(ids[-1]) + 1, ""), "username": None})
    return tuple(rows), [int(user_id) for user_id in ids]


def _user_row(random: np.random.Generator, user_id: int, username: str) -> Row:
    return {
        "id": user_id,
        "username": username,
        "first_name": f"First{user_id}",
        "last_name": f"Last{user_id}",
        "email": f"person{user_id}@mail.example.com",
        "role": "A" if random.random() < 0.01 else "U",
        "bio": "" if random.random() < 0.9 else f"Private words of person {user_id}",
        "instagram-url": None if random.random() < 0.8 else f"https://social.example.com/{user_id}",
        "youtube_url": "",
        "tictok_url": None,
        "isVerified": 0,
        "is_verified": bool(random.random() < 0.03),
        "has_wallet": bool(random.random() < 0.1),
        "is_online": bool(random.random() < 0.1),
        "last_login": "" if random.random() < 0.3 else text_of(float(random.uniform(DAYS - 90, DAYS))),
        "share_count": 0,
        "post_count": int(random.poisson(0.3)),
        "following_count": int(random.poisson(0.5)),
        "follower_count": int(random.poisson(0.5)),
        "user_type": [None, "creator", "hirer"][int(random.choice(3, p=[0.9, 0.08, 0.02]))],
        "latitude": f"{random.uniform(-60, 60):.4f}",
        "longitude": f"{random.uniform(-180, 180):.4f}",
    }
