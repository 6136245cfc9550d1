"""Who is who: the accounts of the clean tables and the people of the store, who are known by name alone."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.forgotten import Forgotten
from pipeline.tables import USER_COUNTS
from store.port import Store

_LOWEST_ID = -(2**62)


def made_id(username: str) -> int:
    """The id of a person whom the upstream does not know: negative, so that no upstream's id is the same."""
    digest = hashlib.blake2b(username.encode(errors="surrogatepass"), digest_size=8, person=b"store person").digest()
    return _LOWEST_ID + int.from_bytes(digest) % (2**62 - 1)


@dataclass(slots=True)
class People:
    """The ids of people by name, and what became of accounts whose name was deleted or merged in the store.

    ``users`` is the table without the people that an earlier collection added. ``moved`` says whose the interactions of
    a merged account are now, ``gone`` are the ids of accounts that were deleted.
    """

    users: pd.DataFrame
    forgotten: Forgotten
    ids: dict[str, int]
    added: dict[str, int] = field(default_factory=dict)
    moved: dict[int, int] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)
    gone_names: set[str] = field(default_factory=set)
    left_out: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, users: pd.DataFrame, store: Store, forgotten: Forgotten) -> "People":
        """Compare the accounts with the names that departed from the store."""
        is_made = np.fromiter(
            (made_id(name) == number for name, number in zip(users["username"], users["user_id"], strict=True)),
            np.bool_,
            len(users),
        )
        own = users[~is_made]
        answers = own[own["answers"]]
        people = cls(own, forgotten, dict(zip(answers["username"], answers["user_id"].tolist(), strict=True)))
        departures = store.departures()
        if departures:
            people._part_from(departures, store)
        return people

    def _part_from(self, departures: Mapping[bytes, int], store: Store) -> None:
        merged = store.merged_names()
        departed = [name for name in self.ids if store.person_key(name) in departures]
        numbers = {name: self.ids.pop(name) for name in departed}
        for name, number in numbers.items():
            into = merged.get(name)
            target = None if into is None else self.id_of(into)
            if target is None:
                self.gone.add(number)
                self.gone_names.add(name)
            else:
                self.moved[number] = target
        parted = self.users["user_id"].isin([*self.gone, *self.moved])
        self.users = self.users[~parted]

    def id_of(self, username: str) -> int | None:
        """The id of a person, who is added if the tables do not know them; None for a forgotten person."""
        if (known := self.ids.get(username)) is not None:
            return known
        number = made_id(username)
        if (
            self.forgotten.has_username(username)
            or self.forgotten.has_imported_user(username)
            or self.forgotten.has_user(number)
        ):
            self.left_out.add(username)
            return None
        self.ids[username] = self.added[username] = number
        return number

    def table(self) -> pd.DataFrame:
        """All users: the accounts that are left, and the people that the store added."""
        added = pd.DataFrame(
            {
                "user_id": list(self.added.values()),
                "username": list(self.added),
                "is_verified": False,
                "user_type": "",
                **dict.fromkeys(USER_COUNTS, 0),
                "answers": True,
            }
        )
        return pd.concat([self.users, added], ignore_index=True) if len(added) else self.users

    def without_departed(self, user_ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Whose interactions of these ids are now, and whether each is kept."""
        is_kept = ~np.isin(user_ids, list(self.gone))
        if self.moved:
            user_ids = pd.Series(user_ids).replace(self.moved).to_numpy(dtype=np.int64)
        return user_ids, is_kept
