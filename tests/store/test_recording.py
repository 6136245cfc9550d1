"""The port's promises about what is recorded, each by itself; the state machine mixes them."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from store.interactions import NewInteraction, Recorded, RecordResult, Verb
from store.log_entries import InteractionRecorded, PostsServed
from store.sql_store import SqlStore, open_store
from tests.store.rows import did, record, took_back

ACCEPTED, DUPLICATE = RecordResult.ACCEPTED, RecordResult.DUPLICATE
EVERYTHING = NewInteraction(
    event_id="ünïque",
    username="ćira 🎬",
    occurred_at_ms=1_700_000_000_123,
    verb=Verb.VIEW,
    post_id=-5,
    external_id="65a1",
    watched_share=0.1,
    rating_percent=7,
    feed_id="feed",
    retracts="unknown",
)


def test_every_field_is_read_back_as_it_was_recorded(store: SqlStore) -> None:
    record(store, EVERYTHING)
    (entry,) = store.entries_after(0).entries
    assert isinstance(entry, InteractionRecorded)
    found = entry.interaction
    assert found is not None
    fields = ("event_id", "username", "occurred_at_ms", "verb", "post_id", "external_id", "watched_share")
    for field in (*fields, "rating_percent", "feed_id"):
        assert getattr(found, field) == getattr(EVERYTHING, field), field
    assert (found.position, found.since, found.taken_back_at, entry.takes_back) == (1, 1, None, None)


def test_nothing_recorded_is_the_position_now(store: SqlStore) -> None:
    record(store, did("1", "ana"))
    assert store.record([]) == Recorded(1, ())


def test_a_repeated_event_changes_nothing_whatever_its_row_says(store: SqlStore) -> None:
    assert store.record([did("1", "ana"), did("1", "bo", Verb.SKIP), did("2", "ana")]) == Recorded(
        2, (ACCEPTED, DUPLICATE, ACCEPTED)
    )
    assert store.record([did("2", "bo", post_id=9), did("1", "ana")]) == Recorded(2, (DUPLICATE, DUPLICATE))
    assert store.history("bo") is None
    assert len(store.entries_after(0).entries) == 2


def test_the_same_name_in_other_letters_is_another_person(store: SqlStore) -> None:
    record(store, did("1", "ana"), did("2", "Ana"), did("3", "ana "))
    assert set(store.histories(["ana", "Ana", "ana ", "ANA"])) == {"ana", "Ana", "ana "}


@pytest.mark.parametrize("retraction_first", [False, True])
@pytest.mark.parametrize("in_one_batch", [False, True])
def test_what_is_taken_back_does_not_count_whichever_came_first(
    store: SqlStore, retraction_first: bool, in_one_batch: bool
) -> None:
    rows = [did("like", "ana"), took_back("unlike", "ana", "like")]
    rows = rows[::-1] if retraction_first else rows
    for batch in [rows] if in_one_batch else [[row] for row in rows]:
        assert set(store.record(batch).results) == {ACCEPTED}
    found = store.history("ana")
    assert found is not None
    assert found.interactions == ()
    assert list(store.events_up_to(2)) == []
    as_it_was = store.history("ana", up_to=1)
    assert as_it_was is not None
    assert len(as_it_was.interactions) == (0 if retraction_first else 1)


def test_only_the_person_who_did_it_can_take_it_back(store: SqlStore) -> None:
    record(store, did("like", "ana"), took_back("unlike", "bo", "like"))
    found = store.history("ana")
    assert found is not None
    assert [item.event_id for item in found.interactions] == ["like"]


def test_a_like_that_was_taken_back_counts_again_by_a_new_event_and_not_by_a_retracted_retraction(
    store: SqlStore,
) -> None:
    record(store, did("like", "ana"), took_back("unlike", "ana", "like"), took_back("un-unlike", "ana", "unlike"))
    found = store.history("ana")
    assert found is not None
    assert found.interactions == ()
    record(store, did("like again", "ana"))
    found = store.history("ana")
    assert found is not None
    assert [item.event_id for item in found.interactions] == ["like again"]


def test_a_row_may_take_one_back_and_count_itself(store: SqlStore) -> None:
    first = NewInteraction(
        event_id="40", username="ana", occurred_at_ms=1, verb=Verb.RATING, post_id=1, rating_percent=40
    )
    second = NewInteraction(
        event_id="80", username="ana", occurred_at_ms=2, verb=Verb.RATING, post_id=1, rating_percent=80, retracts="40"
    )
    record(store, first, second)
    found = store.history("ana")
    assert found is not None
    assert [item.rating_percent for item in found.interactions] == [80]
    entry = store.entries_after(1).entries[0]
    assert isinstance(entry, InteractionRecorded)
    assert entry.takes_back is not None
    assert (entry.takes_back.position, entry.takes_back.post_id, entry.takes_back.verb) == (1, 1, Verb.RATING)


def test_a_reader_of_short_parts_sees_every_entry_once(store: SqlStore) -> None:
    record(store, *(did(str(number), f"person {number % 3}") for number in range(10)))
    store.remember_served("person 0", [3, 1], shown_at_ms=5, feed_id="f")
    position, seen = 0, []
    while (part := store.entries_after(position, limit=3)).entries:
        assert len(part.entries) <= 3
        seen += [entry.position for entry in part.entries]
        position = part.position
    assert seen == list(range(1, 12))
    last = store.entries_after(10).entries[0]
    assert last == PostsServed(position=11, since=11, username="person 0", post_ids=(3, 1), shown_at_ms=5, feed_id="f")


def test_waiting_ends_with_the_row_of_another_process_or_with_the_time(store: SqlStore, url: str) -> None:
    assert store.wait_for(1, timeout=0.01) == 0
    with open_store(url) as other, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(store.wait_for, 2, timeout=60)
        record(other, did("1", "ana"))
        record(other, did("2", "ana"))
        assert waiting.result() >= 2
    assert store.wait_for(1, timeout=0) == 2


def test_callers_that_wait_together_are_written_together_and_each_gets_its_own_answer(store: SqlStore) -> None:
    record(store, did("0", "ana"))
    start = threading.Barrier(8)

    def call(number: int) -> Recorded:
        start.wait()
        return store.record([did("0", "bo"), did(f"own {number}", "bo"), did(f"shared {number % 2}", "bo")])

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(call, range(8)))
    assert all(answer.results[:2] == (DUPLICATE, ACCEPTED) for answer in answers)
    assert sum(answer.results[2] is ACCEPTED for answer in answers) == 2
    found = store.history("bo")
    assert found is not None
    assert len(found.interactions) == 10
    own = {item.event_id: item.position for item in found.interactions}
    assert all(own[f"own {number}"] <= answer.position for number, answer in enumerate(answers))


def test_a_batch_of_more_values_than_a_statement_takes_is_recorded(store: SqlStore) -> None:
    rows = [did(str(number), f"person {number}") for number in range(12_000)]
    assert store.record(rows).results == (ACCEPTED,) * 12_000
    assert store.record(rows[:6000]).results == (DUPLICATE,) * 6000
    assert len(store.histories(row.username for row in rows)) == 12_000


def test_new_rows_beside_repeated_ones_are_kept_once_and_can_be_taken_back(store: SqlStore) -> None:
    record(store, did("1", "ana"), did("2", "bo"))
    mixed = [did("3", "ana"), did("2", "bo"), did("4", "ana", post_id=4), did("1", "cy"), did("3", "dee")]
    assert store.record(mixed) == Recorded(4, (ACCEPTED, DUPLICATE, ACCEPTED, DUPLICATE, DUPLICATE))
    assert store.record([did("4", "ana"), did("3", "ana"), did("5", "ana", post_id=5)]).results == (
        DUPLICATE,
        DUPLICATE,
        ACCEPTED,
    )
    record(store, took_back("6", "ana", "4"))
    history = store.history("ana")
    assert history is not None
    assert [event.event_id for event in history.interactions] == ["1", "3", "5"]
    assert [entry.position for entry in store.entries_after(0).entries] == [1, 2, 3, 4, 5, 6]


def test_rows_of_one_batch_may_fill_different_fields(store: SqlStore) -> None:
    rows = [did("1", "ana"), replace(EVERYTHING, event_id="2"), took_back("3", "ana", "1"), did("4", "bo")]
    record(store, *rows)
    entries = [entry for entry in store.entries_after(0).entries if isinstance(entry, InteractionRecorded)]
    found = [entry.interaction for entry in entries]
    assert [row.external_id if row else "" for row in found] == [None, "65a1", "", None]
    assert [row.watched_share if row else 0 for row in found] == [None, 0.1, 0, None]
    assert [entry.takes_back.position if entry.takes_back else 0 for entry in entries] == [0, 0, 1, 0]
