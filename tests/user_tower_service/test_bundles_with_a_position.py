"""A bundle that was made with the log up to a position: what came after counts, and the rest is let go.

A tower that begins at that position answers for the bundle to the last bit like one that has read all of the log.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bundle.directory import Bundle, open_bundle, write_bundle
from store.interactions import NewInteraction, Verb
from store.sql_store import SqlStore, open_store
from tests.tiny_bundle import MANIFEST, tiny_files
from tests.user_tower_service.live_world import MOMENT
from user_tower_service.encoder import Context, Encoder
from user_tower_service.live_log import LiveLog
from user_tower_service.shown_posts import ServedWish

NAMES = ("ana", "béla", "stranger")
POSTS = (10, 20, 60, 999)


@dataclass
class World:
    """A store, what has been recorded, and the directory of the bundles."""

    directory: Path
    store: SqlStore
    count: int = 0

    def did(self, name: str, verb: Verb, post_id: int, *, retracts: str | None = None) -> str:
        self.count += 1
        event_id = f"event {self.count}"
        row = NewInteraction(
            event_id=event_id,
            username=name,
            occurred_at_ms=MOMENT + self.count % 3,
            verb=None if retracts else verb,
            post_id=None if retracts else post_id,
            rating_percent=50 if verb is Verb.RATING and not retracts else None,
            retracts=retracts,
        )
        self.store.record([row])
        return event_id

    def bundle(self, position: int) -> Bundle:
        manifest = replace(MANIFEST, log_position=position)
        return open_bundle(
            write_bundle(self.directory / f"bundles-{position}", manifest, write_files=tiny_files(), sidecar={})
        )

    @contextmanager
    def tower(self, begin_after: int) -> Iterator[LiveLog]:
        live = LiveLog(
            lambda: open_store(f"sqlite:///{self.directory}/store.sqlite"),
            begin_after=begin_after,
            now_ms=lambda: MOMENT + 1000,
        )
        with live.followed():
            yield live


@contextmanager
def world() -> Iterator[World]:
    with TemporaryDirectory() as name, open_store(f"sqlite:///{name}/store.sqlite") as store:
        yield World(Path(name), store)


def comparable(context: Context) -> tuple[object, ...]:
    user = None if context.user is None else tuple(context.user.values.tolist())
    served = context.served and (context.served.post_ids, context.served.elsewhere_post_ids)
    return user, context.seen_post_ids, context.not_interested_post_ids, context.withheld_post_ids, served


def answers(encoder: Encoder, positions: list[int | None]) -> list[tuple[object, ...]]:
    return [
        comparable(encoder.encode_context(name, "", as_of=position, served=ServedWish(feed=feed)))
        for name in NAMES
        for position in positions
        for feed in ("", "0123456789abcdef")
    ]


def wait_until_let_go(live: LiveLog, base: int) -> None:
    with live._moved:
        assert live._moved.wait_for(lambda: live._state.base == base, 30)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["did", "did", "did", "retract", "delete", "merge", "show"]),
        st.sampled_from(NAMES),
        st.sampled_from(Verb),
        st.sampled_from(POSTS),
    ),
    min_size=2,
    max_size=14,
)


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS, share=st.floats(0, 1))
def test_a_tower_that_begins_where_the_bundle_ends_answers_like_one_that_has_read_everything(
    steps: list[tuple[str, str, Verb, int]], share: float
) -> None:
    with world() as made:
        recorded: dict[str, list[str]] = {name: [] for name in NAMES}
        bundle_after = round(share * len(steps))
        position = 0
        for number, (step, name, verb, post_id) in enumerate(steps):
            if number == bundle_after:
                position = made.store.position()
            match step:
                case "did":
                    recorded[name].append(made.did(name, verb, post_id))
                case "retract" if recorded[name]:
                    made.did(name, verb, post_id, retracts=recorded[name][post_id % len(recorded[name])])
                case "delete":
                    made.store.delete_person(name)
                case "merge" if name != "ana":
                    made.store.merge_people(name, into="ana")
                case "show":
                    feed_id = f"{number:016}"
                    made.store.remember_served(name, [post_id, 30], shown_at_ms=MOMENT, feed_id=feed_id)
        bundle = made.bundle(position)
        with made.tower(0) as whole, made.tower(position) as late, made.tower(0) as letting_go:
            everything = whole.lease(0)
            expected, found, pruned = (Encoder(bundle, live=live) for live in (whole, late, letting_go))
            wait_until_let_go(letting_go, position)
            asked = [None, *range(position, made.store.position() + 1)]
            assert answers(found, asked) == answers(expected, asked)
            assert answers(pruned, asked) == answers(expected, asked)
            assert everything.position == 0


def test_memory_holds_what_the_oldest_held_bundle_lacks(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/store.sqlite") as store:
        made = World(tmp_path, store)
        for number in range(30):
            made.did(f"person {number}", Verb.LIKE, 10)
        first, second = made.bundle(0), made.bundle(20)
        with made.tower(0) as live:
            old, new = Encoder(first, live=live), Encoder(second, live=live)
            assert len(live._state.people) == 30
            del old
            gc.collect()
            wait_until_let_go(live, 20)
            assert sorted(live._state.people) == sorted(f"person {number}" for number in range(20, 30))
            back = Encoder(first, live=live)  # somebody publishes the older bundle again
            assert len(live._state.people) == 30
            assert back.encode_context("person 3", "").user is not None
            assert new.encode_context("person 3", "").user is None  # the bundle of the tests does not hold them
            assert new.encode_context("person 25", "").user is not None


def test_an_event_that_the_bundle_holds_and_that_is_taken_back_later_leaves_its_history(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/store.sqlite") as store:
        made = World(tmp_path, store)
        held = made.did("ana", Verb.INSPIRE, 20)  # as the history of the tiny bundle says
        position = store.position()
        made.did("ana", Verb.VIEW, 10, retracts=held)
        bundle = made.bundle(position)
        with made.tower(position) as late, made.tower(0) as whole:
            everything = whole.lease(0)
            for live in (late, whole):
                context = Encoder(bundle, live=live).encode_context("ana", "")
                assert context.seen_post_ids == (10, 60)
            assert everything.position == 0


def test_what_the_bundle_holds_is_not_counted_twice(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/store.sqlite") as store:
        made = World(tmp_path, store)
        made.did("ana", Verb.LIKE, 30)
        bundle = made.bundle(store.position())
        with made.tower(0) as live:
            encoder = Encoder(bundle, live=live)
            frozen = encoder.encode_context("ana", "", is_live=False)
            np.testing.assert_array_equal(encoder.encode_context("ana", "").user.values, frozen.user.values)
            assert encoder.encode_context("ana", "").seen_post_ids == frozen.seen_post_ids
