"""What is read about one person: the live history, and everything that is kept."""

from dataclasses import dataclass

from store.interactions import Interaction
from store.log_entries import PostsServed


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedName:
    """A name whose rows are another person's since ``position``; None if that name was deleted afterwards."""

    username: str | None
    position: int


@dataclass(frozen=True, slots=True)
class Claim:
    """Whether posts may be shown: ``is_taken`` if another feed has shown one of them, and then nothing was kept.

    What was kept, or what has taken the posts, can be read at ``position``.
    """

    position: int
    is_taken: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonHistory:
    """What a person did, as of ``position``, beyond what a bundle made at ``after`` knows.

    ``interactions`` are those that count, recorded after ``after``, ordered by (occurred_at_ms, position).
    ``taken_back`` are those recorded up to ``after`` (so a bundle may hold them) and taken back since.
    ``merged`` are the names merged into this person since ``after``: a bundle holds their history under those names.
    ``departed_at`` is the last position at which this name was deleted, or merged into another; 0 if never. If it is
    above ``after``, what the bundle holds under this name is not this person's.
    """

    username: str
    position: int
    interactions: tuple[Interaction, ...]
    taken_back: tuple[Interaction, ...]
    merged: tuple[MergedName, ...]
    departed_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonExport:
    """Everything that the store keeps about a person: all interactions, also taken back ones, and what was shown."""

    username: str
    position: int
    interactions: tuple[Interaction, ...]
    retracted_event_keys: tuple[bytes, ...]  # keyed hashes of event ids that were taken back, known or not
    served: tuple[PostsServed, ...]
    merged: tuple[MergedName, ...]
