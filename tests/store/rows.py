"""Rows to record, short enough to read in a test."""

from store.interactions import NewInteraction, Verb
from store.port import InteractionLog


def did(event_id: str, username: str, verb: Verb = Verb.LIKE, post_id: int = 1, *, at: int = 1000) -> NewInteraction:
    """A person did something with a post."""
    return NewInteraction(event_id=event_id, username=username, verb=verb, post_id=post_id, occurred_at_ms=at)


def took_back(event_id: str, username: str, retracts: str, *, at: int = 2000) -> NewInteraction:
    """A person took an event back."""
    return NewInteraction(event_id=event_id, username=username, retracts=retracts, occurred_at_ms=at)


def record(store: InteractionLog, *rows: NewInteraction) -> int:
    """Record rows; gives the position."""
    return store.record(rows).position
