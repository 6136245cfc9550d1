"""Faults to inject: the number of a request decides which fault it gets, so that a failing run can be repeated."""

import re
from collections import Counter
from dataclasses import dataclass, fields, replace
from enum import Enum
from typing import Any

DEFAULT_AT_MOST = 100


class FaultTextError(ValueError):
    """A text that should describe faults cannot be read: names the part and the known faults."""


class Fault(Enum):
    """A fault of one reply."""

    UNAUTHORIZED = "401"
    RATE_LIMITED = "429"
    SERVER_ERROR = "500"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class Faults:
    """Which faults to inject. ``..._every`` n hits each n-th request; 0 hits none.

    Each kind that is counted by request fires at most ``at_most`` times, so that a client that retries gets through.
    The other faults stay, like the oddities of the real API.
    """

    unauthorized_every: int = 0
    rate_limited_every: int = 0
    retry_after_s: int = 1  # the Retry-After header of a 429
    server_error_every: int = 0
    cut_every: int = 0  # the connection is closed in the middle of the body
    at_most: int = DEFAULT_AT_MOST
    short_pages_every: int = 0  # each n-th page holds half as many rows; no row is lost
    wrong_shape: bool = False  # event paths answer with posts, whatever the secret
    older_schema: bool = False  # rows without the keys that were added in the last year
    vanishing_rows: int = 0  # number of oldest events that disappear at each new fetch of page 1

    def __post_init__(self) -> None:
        """Raise FaultTextError for a negative number."""
        for field in fields(self):
            if getattr(self, field.name) < 0:
                raise FaultTextError(f"{field.name} is {getattr(self, field.name)}, must not be negative")

    @classmethod
    def parse(cls, text: str) -> "Faults":
        """Read faults as a user writes them: ``"429:every=5,retry_after=2 cut:every=9 wrong-shape"``.

        Kinds: 401, 429, 500 and cut with ``every=``; 429 also with ``retry_after=`` seconds; short-pages with
        ``every=``; vanishing with ``rows=``; wrong-shape; old-schema. By itself, ``at_most=`` limits the first four.
        Raises FaultTextError.
        """
        faults = cls()
        for part in text.split():
            faults = _with_part(faults, part)
        return faults


class FaultSchedule:
    """Counts the requests of one server."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._requests = 0
        self._fired: Counter[Fault] = Counter()

    def next_fault(self) -> Fault | None:
        """Count one request and return its fault, if it has one."""
        self._requests += 1
        periods = {
            Fault.UNAUTHORIZED: self._faults.unauthorized_every,
            Fault.RATE_LIMITED: self._faults.rate_limited_every,
            Fault.SERVER_ERROR: self._faults.server_error_every,
            Fault.CUT: self._faults.cut_every,
        }
        for fault, every in periods.items():
            if every and self._requests % every == 0 and self._fired[fault] < self._faults.at_most:
                self._fired[fault] += 1
                return fault
        return None


# What a user may write: kind, option -> field. The option "" stands for the kind by itself.
_FIELDS = {
    ("401", "every"): "unauthorized_every",
    ("429", "every"): "rate_limited_every",
    ("429", "retry_after"): "retry_after_s",
    ("500", "every"): "server_error_every",
    ("cut", "every"): "cut_every",
    ("short-pages", "every"): "short_pages_every",
    ("vanishing", "rows"): "vanishing_rows",
    ("at_most", ""): "at_most",
}
_SWITCHES = {"wrong-shape": "wrong_shape", "old-schema": "older_schema"}


def _with_part(faults: Faults, part: str) -> Faults:
    if part in _SWITCHES:
        return replace(faults, **{_SWITCHES[part]: True})
    kind, _, options = part.partition(":")
    if part.startswith("at_most="):
        kind, options = "at_most", part.removeprefix("at_most")
    for option in options.split(","):
        match = re.fullmatch(r"(\w*)=(\d+)", option, re.ASCII)
        field = _FIELDS.get((kind, match[1])) if match else None
        if match is None or field is None:
            known = [f"{kind}:{option}=N" if option else f"{kind}=N" for kind, option in _FIELDS]
            raise FaultTextError(f"cannot read the fault {part!r}; known are {', '.join([*known, *_SWITCHES])}")
        number: Any = int(match[2])  # replace() cannot tell which fields the names stand for
        faults = replace(faults, **{field: number})
    return faults
