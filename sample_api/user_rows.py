"""Rows of the users endpoint. All personal data is invented; it is there so that ingestion has something to drop."""

from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

from sample_api.calendar import text_of
from sample_api.rows import Row, Rows
from sample_api.sizes import DAYS

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
_INACTIVE_ADMINS = 0.01


@dataclass(frozen=True, slots=True)
class Accounts:
    """All accounts, ascending by id. ``ids`` [accounts]; ``people`` [active people] are the accounts' rows.

    ``owners`` [owners] are rows, the busiest owner's first; ``shares_name`` [accounts]: has the name of the one before.
    """

    seed: int
    ids: NDArray[np.int64]
    people: NDArray[np.int64]
    owners: NDArray[np.int64]
    shares_name: NDArray[np.bool_]
    is_admin: NDArray[np.bool_]

    def name_of(self, row: int) -> str:
        """The username: some are not ASCII, some are opaque, a few are used twice."""
        row -= int(self.shares_name[row])
        random = Random(f"{self.seed}/name/{row}")
        kind = random.random()
        base = f"{random.choice(_FIRST)}_{random.choice(_SECOND)}{row}"
        if kind < 0.02:
            return f"{base}_é世界"
        if kind < 0.05:
            return "".join(random.choices("0123456789abcdef", k=40))
        return base


def make_accounts(
    random: np.random.Generator, seed: int, *, users: int, is_admin: NDArray[np.bool_], owners: int
) -> Accounts:
    """Accounts for all people and for those that never did anything; the first person is the busiest owner."""
    ids = np.cumsum(random.integers(1, 6, size=users)) + 9000
    mixed = random.permutation(users)
    people, rest = mixed[: len(is_admin)], mixed[len(is_admin) :]
    owning = np.concatenate([people[:1], random.permutation(rest)[: owners - 1]])
    shares_name = np.zeros(users, dtype=bool)
    twice = random.choice(np.arange(1, users), size=max(1, round(users * _DUPLICATE_SHARE)), replace=False)
    shares_name[twice] = True
    shares_name[1:] &= ~shares_name[:-1]
    shares_name[owning] = False
    shares_name[np.minimum(owning + 1, users - 1)] = False
    admins = np.zeros(users, dtype=bool)
    admins[people[is_admin]] = True
    admins[rest] = random.random(len(rest)) < _INACTIVE_ADMINS
    return Accounts(seed, ids, people, owning, shares_name, admins)


def make_user_rows(accounts: Accounts) -> Rows:
    """The rows of all accounts, ascending by id; the last has no username."""
    count = len(accounts.ids)

    def row_of(row: int) -> Row:
        if row == count:
            return {**_user_row(accounts.seed, int(accounts.ids[-1]) + 1, is_admin=False), "username": None}
        named = _user_row(accounts.seed, int(accounts.ids[row]), is_admin=bool(accounts.is_admin[row]))
        return {**named, "username": accounts.name_of(row)}

    return Rows(range(count + 1), row_of)


def _user_row(seed: int, user_id: int, *, is_admin: bool) -> Row:
    random = Random(f"{seed}/user/{user_id}")
    return {
        "id": user_id,
        "username": "",
        "first_name": f"First{user_id}",
        "last_name": f"Last{user_id}",
        "email": f"person{user_id}@mail.example.com",
        "role": "A" if is_admin else "U",
        "bio": "" if random.random() < 0.9 else f"Private words of person {user_id}",
        "instagram-url": None if random.random() < 0.8 else f"https://social.example.com/{user_id}",
        "youtube_url": "",
        "tictok_url": None,
        "isVerified": 0,
        "is_verified": random.random() < 0.03,
        "has_wallet": random.random() < 0.1,
        "is_online": random.random() < 0.1,
        "last_login": "" if random.random() < 0.3 else text_of(random.uniform(DAYS - 90, DAYS)),
        "share_count": 0,
        "post_count": int(random.expovariate(2.0)),
        "following_count": int(random.expovariate(1.2)),
        "follower_count": int(random.expovariate(1.2)),
        "user_type": random.choices((None, "creator", "hirer"), (0.9, 0.08, 0.02))[0],
        "latitude": f"{random.uniform(-60, 60):.4f}",
        "longitude": f"{random.uniform(-180, 180):.4f}",
    }
