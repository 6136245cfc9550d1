"""A part of the histories of a bundle: one person's events, which may be joined with those of another."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from bundle.known_users import KnownUsers


@dataclass(frozen=True, slots=True)
class History:
    """A part of the histories of a bundle, oldest first; arrays [events] as in bundle.known_users.KnownUsers."""

    post_ids: NDArray[np.int64]
    verbs: NDArray[np.int8]
    strengths: NDArray[np.float32]
    days: NDArray[np.float32]

    @classmethod
    def empty(cls) -> Self:
        """A history without events."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int8), np.zeros(0, np.float32), np.zeros(0, np.float32))

    @classmethod
    def of_user(cls, users: KnownUsers, row: int) -> Self:
        """The history of a known user."""
        span = slice(users.offsets[row], users.offsets[row + 1])
        return cls(users.post_ids[span], users.verbs[span], users.strengths[span], users.days[span])

    def followed_by(self, other: "History") -> "History":
        """Both, by time; of events of the same time those of this one come first."""
        days = np.concatenate([self.days, other.days])
        order = np.argsort(days, kind="stable")
        return History(
            np.concatenate([self.post_ids, other.post_ids])[order],
            np.concatenate([self.verbs, other.verbs])[order],
            np.concatenate([self.strengths, other.strengths])[order],
            days[order],
        )

    def where(self, is_kept: NDArray[np.bool_]) -> "History":
        """The events that a mask [events] keeps."""
        return History(self.post_ids[is_kept], self.verbs[is_kept], self.strengths[is_kept], self.days[is_kept])
