"""The sums behind trends: hand-computed decays, and beside a brute-force sum whatever happens in whatever order."""

import math
from collections import defaultdict
from collections.abc import Sequence
from functools import partial

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from bundle.post_trends import PostTrends, pair_key
from compute.log_tail import LogTail
from post_index_service.trend_counts import TrendCounts
from post_index_service.trends import Trends
from store.interactions import Interaction, NewInteraction, Verb
from store.log_entries import Entries, Entry, InteractionRecorded, TakenBack
from store.sql_store import SqlStore, open_store
from tests.store.test_state_machine import empty_all_tables

DAY = 86_400_000
NOON = 1_600_000_000_000  # the newest moment of the bundle
START = PostTrends(np.array([0.0, 1.5, 0.25]), NOON)
COUNTED = {Verb.VIEW, Verb.LIKE, Verb.INSPIRE, Verb.RATING}


def rows_of(post_id: int | None, external_id: str | None) -> Sequence[int]:
    """Post 1 is in row 0, and so on; a post may be called `post 1`, posts 2 and 3 are both called `twins`."""
    if post_id is None:
        return [1, 2] if external_id == "twins" else rows_of(int((external_id or "post 0").removeprefix("post ")), None)
    return [post_id - 1] if 1 <= post_id <= 3 else []


def counts(**options: int) -> TrendCounts:
    return TrendCounts(START, rows_of, **{"position": 0, **options})


def did(position: int, post_id: int, *, username: str = "ana", verb: Verb = Verb.VIEW, days: float = 0) -> Entry:
    interaction = Interaction(
        position=position,
        since=position,
        username=username,
        verb=verb,
        occurred_at_ms=NOON + round(days * DAY),
        event_id=str(position),
        post_id=post_id,
        external_id=None,
        watched_share=None,
        rating_percent=None,
        feed_id=None,
        taken_back_at=None,
    )
    return InteractionRecorded(position=position, username=username, interaction=interaction, takes_back=None)


def took_back(position: int, earlier: Entry) -> Entry:
    assert isinstance(earlier, InteractionRecorded)
    assert earlier.interaction is not None
    done = earlier.interaction
    taken = TakenBack(
        position=done.position,
        verb=done.verb,
        post_id=done.post_id,
        external_id=done.external_id,
        occurred_at_ms=done.occurred_at_ms,
    )
    return InteractionRecorded(position=position, username=done.username, interaction=None, takes_back=taken)


def read(into: TrendCounts, *entries: Entry) -> None:
    into.read(Entries(entries, entries[-1].position))


def trends(of: TrendCounts) -> list[float]:
    counted = of.now()
    unit = of.weight_of(counted.clock_ms)
    return [counted.changed.get(row, int(of.whole[row])) / unit for row in range(3)]


def test_an_interaction_counts_one_and_the_bundle_fades_by_its_clock() -> None:
    some = counts()
    assert trends(some) == [0, 1.5, 0.25]
    read(some, did(1, 1, days=7))
    assert trends(some) == pytest.approx([1, 1.5 / math.e, 0.25 / math.e], abs=1e-8)
    read(some, did(2, 2, days=14))
    assert trends(some) == pytest.approx([1 / math.e, 1.5 / math.e**2 + 1, 0.25 / math.e**2], abs=1e-8)


def test_an_older_interaction_counts_less_and_does_not_turn_the_clock_back() -> None:
    some = counts()
    read(some, did(1, 1, days=-7), did(2, 3, days=-700))
    assert trends(some) == pytest.approx([1 / math.e, 1.5, 0.25], abs=1e-8)


def test_a_person_counts_once_by_the_first_interaction_that_stands() -> None:
    some = counts()
    view, like = did(1, 1, days=0), did(2, 1, verb=Verb.LIKE, days=7)
    read(some, view, like)
    assert trends(some)[0] == pytest.approx(1)
    read(some, did(3, 1, username="bo", days=7))
    assert trends(some)[0] == pytest.approx(1 + 1 / math.e)
    read(some, took_back(4, view))
    assert trends(some)[0] == pytest.approx(2)
    read(some, took_back(5, like))
    assert trends(some)[0] == pytest.approx(1)


def test_what_is_taken_back_leaves_nothing_behind() -> None:
    some = counts()
    done = [did(number, 1 + number % 3, username=str(number), days=number / 97) for number in range(1, 200)]
    read(some, *done)
    read(some, *(took_back(200 + number, entry) for number, entry in enumerate(done)))
    assert some.now().changed == {}


@pytest.mark.parametrize("verb", [Verb.SKIP, Verb.NOT_INTERESTED])
def test_a_skipped_or_unwanted_post_does_not_trend(verb: Verb) -> None:
    some = counts()
    entry = did(1, 1, verb=verb)
    read(some, entry, took_back(2, entry))
    assert trends(some) == [0, 1.5, 0.25]


def test_unknown_posts_and_absurd_times_do_not_count() -> None:
    some = counts()
    read(some, did(1, 4), did(2, 1, days=50_000), did(3, 1, username="bo", days=-50_000_000))
    assert trends(some) == [0, 1.5, 0.25]


def test_ten_years_after_the_bundle_only_what_is_new_counts() -> None:
    some = counts()
    read(some, did(1, 1, days=3650), did(2, 2, days=3657))
    assert trends(some) == pytest.approx([1 / math.e, 1, 0], abs=1e-8)


def test_the_counts_as_of_an_earlier_position_are_those_that_were_there() -> None:
    some = counts()
    before = {}
    for position in range(1, 40):
        read(some, did(position, 1 + position % 3, username=str(position % 5), days=position / 7))
        before[position] = some.now()
    assert {position: some.as_of(position) for position in before} == before
    assert some.as_of(40) is None
    assert some.as_of(-1) is None


def test_only_the_last_changes_can_be_undone() -> None:
    some = counts(most_changes=3)
    for position in range(1, 6):
        read(some, did(position, 1, username=str(position)))
    assert [some.as_of(position) is None for position in range(6)] == [True, True, False, False, False, False]


def test_of_people_who_met_a_post_long_ago_only_the_sum_is_left() -> None:
    some = counts(most_pairs=2)
    first = did(1, 1, username="first")
    read(some, first, did(2, 1, username="second"), did(3, 1, username="third"), took_back(4, first))
    assert trends(some)[0] == pytest.approx(3)


def test_who_met_a_post_before_the_bundle_was_made_does_not_count_again() -> None:
    keys, moments = np.array([pair_key("ana", 1)]), np.array([NOON - 7 * DAY])
    some = TrendCounts(PostTrends(START.sums, NOON, keys, moments), rows_of, position=10)
    again = did(11, 2, days=1)
    read(some, again, took_back(12, again))
    assert some.now().changed == {}
    read(some, did(13, 2, username="bo"), did(14, 1))
    assert trends(some) == pytest.approx([1, 2.5, 0.25], abs=1e-8)


NAMES = st.sampled_from(["ana", "bo", "cleo"])
EVENT_IDS = st.sampled_from([f"e{number}" for number in range(12)])
MOMENTS = st.integers(-3, 20).map(lambda number: NOON + number * 3 * DAY)


@st.composite
def new_interactions(draw: st.DrawFn) -> NewInteraction:
    event_id, retracts = draw(EVENT_IDS), draw(st.none() | EVENT_IDS)
    retracts = None if retracts == event_id else retracts
    verb = draw(st.sampled_from(Verb)) if retracts is None else draw(st.none() | st.sampled_from(Verb))
    called = draw(st.sampled_from(["", "post 1", "post 3", "twins", "nothing 9"])) if verb is not None else ""
    return NewInteraction(
        event_id=event_id,
        username=draw(NAMES),
        occurred_at_ms=draw(MOMENTS),
        verb=verb,
        post_id=draw(st.integers(1, 4)) if verb is not None and not called else None,
        external_id=called.replace("nothing", "post") or None,
        retracts=retracts,
    )


class TrendsBesideBruteForce(RuleBasedStateMachine):
    """Bundles come and go, each with trends of its own, while people act, take back, leave, merge and expire."""

    store: SqlStore  # opened by the test; empty at the start of each example

    def __init__(self) -> None:
        super().__init__()
        self.tail = LogTail(lambda: self.store)
        self.tail.is_stopped = False  # the test itself follows the log
        self.followed = {0: self._trends(0)}  # by the position of their bundle
        self.exact: list[tuple[int, int, dict[int, int]]] = []

    def _trends(self, position: int) -> Trends:
        return Trends(START, rows_of, position=position, log=self.tail, now=lambda: 0.0)

    @rule(rows=st.lists(new_interactions(), min_size=1, max_size=4))
    def record(self, rows: list[NewInteraction]) -> None:
        self.store.record(rows)

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        self._read()
        self.store.delete_person(name)
        self.exact.clear()

    @rule(name=NAMES, into=NAMES)
    def merge(self, name: str, into: str) -> None:
        if name != into:
            self._read()
            self.store.merge_people(name, into=into)
            self.exact.clear()

    @rule(before=MOMENTS)
    def expire(self, before: int) -> None:
        self._read()
        self.store.expire(before_ms=before)
        self.exact.clear()

    @rule()
    def swap(self) -> None:
        """The next bundle is made up to now."""
        position = self.store.position()
        if position not in self.followed:
            self.followed[position] = self._trends(position)

    @rule()
    def read(self) -> None:
        self._read()
        for start, trends in self.followed.items():
            self.exact.append((start, trends.position, dict(trends._counts.now().changed)))

    def _read(self) -> None:
        while True:
            self.tail._read_all(self.store)
            if all(trends._recount is None for trends in self.followed.values()):
                break
        for start, trends in self.followed.items():
            assert trends.position == self.store.position()
            expected = brute_force(self.store, start, trends.position)
            assert trends._counts.now().changed == expected
            anew = TrendCounts(START, rows_of, position=start)
            while anew.position < trends.position:
                anew.read(self.store.entries_after(anew.position, limit=3))
            assert anew.now().changed == expected

    def teardown(self) -> None:
        self._read()
        for start, position, changed in self.exact:
            counted = self.followed[start]._counts.as_of(position)
            assert counted is not None
            assert counted.changed == changed == brute_force(self.store, start, position)


def brute_force(store: SqlStore, start: int, position: int) -> dict[int, int]:
    first: dict[tuple[str, int], int] = {}
    for batch in store.events_up_to(position, after=start):
        for event in batch:
            if event.verb in COUNTED:
                for row in rows_of(event.post_id, event.external_id):
                    key = (event.username, row)
                    first[key] = min(first.get(key, event.occurred_at_ms), event.occurred_at_ms)
    weight = partial(TrendCounts(START, rows_of, position=0).weight_of)
    sums: dict[int, int] = defaultdict(int)
    for (_, row), moment in first.items():
        sums[row] += weight(moment)
    whole = np.rint(START.sums * 2.0**200)
    return {row: int(whole[row]) + total for row, total in sums.items() if total}


def test_the_sums_are_those_of_all_that_stands_in_the_log(tmp_path: object) -> None:
    url = f"sqlite:///{tmp_path}/store.sqlite"
    with open_store(url) as opened:

        class Machine(TrendsBesideBruteForce):
            store = opened

            def __init__(self) -> None:
                empty_all_tables(url)
                super().__init__()

        run_state_machine_as_test(  # type: ignore[no-untyped-call]
            Machine,
            settings=settings(
                max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
