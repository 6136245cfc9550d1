"""A tiny bundle, a store in a file, and an encoder that follows it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bundle.directory import Bundle, open_bundle
from store.interactions import NewInteraction, Recorded, Verb
from store.port import Store
from store.sql_store import open_store
from tests.tiny_bundle import write_tiny_bundle
from user_tower_service.encoder import Context, Encoder
from user_tower_service.live_log import LiveLog
from user_tower_service.people_store import PeopleStore

MOMENT = 1_700_000_000_000


@dataclass(frozen=True, slots=True)
class LiveWorld:
    bundle: Bundle
    live: LiveLog
    encoder: Encoder
    people: PeopleStore
    other_process: Store  # writes to the same store, as another process would

    def did(self, username: str, verb: Verb, post_id: int, *, event_id: str = "", moment: int = MOMENT) -> Recorded:
        event_id = event_id or f"{username} {verb} {post_id} {moment}"
        row = NewInteraction(
            event_id=event_id, username=username, occurred_at_ms=moment, verb=verb, post_id=post_id, rating_percent=None
        )
        return self.people.record([row])

    def took_back(self, username: str, event_id: str) -> Recorded:
        row = NewInteraction(event_id=f"not {event_id}", username=username, occurred_at_ms=MOMENT, retracts=event_id)
        return self.people.record([row])

    def context(self, username: str, *, as_of: int | None = None) -> Context:
        return self.encoder.encode_context(username, "", as_of=as_of)


@contextmanager
def live_world(directory: Path, *, rows: Sequence[NewInteraction] = ()) -> Iterator[LiveWorld]:
    bundle = open_bundle(write_tiny_bundle(directory / "bundles"))
    url = f"sqlite:///{directory}/store.sqlite"
    with open_store(url) as other:
        if rows:
            other.record(rows)
        live = LiveLog(lambda: open_store(url))
        with live.followed():
            yield LiveWorld(bundle, live, Encoder(bundle, live=live, live_cache_size=100), PeopleStore(live), other)
