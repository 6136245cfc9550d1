"""What becomes of each row of a call that records interactions, over a fake of the recorder."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.feedback import EARLIEST_MS, record_interactions
from gateway.feedback_messages import (
    MalformedDocumentError,
    read_document,
    read_interactions,
    recorded_document,
    write_interaction,
    write_recorded,
)
from gateway.feedback_types import (
    VERBS,
    Interaction,
    InteractionCountError,
    Recorded,
    Result,
    RowResult,
    UnreadableInteraction,
)
from moodfeed.feedback.v1 import feedback_pb2

NOW = 1_750_000_000_000


class AMinute:
    def seconds_left(self) -> float:
        return 60.0


@dataclass
class FakeRecorder:
    """Accepts every row, or finds that it has it already."""

    known: set[str] = field(default_factory=set)
    rows: list[Interaction] = field(default_factory=list)

    async def record(self, interactions: Sequence[Interaction], *, seconds: float) -> Recorded:
        results = []
        for row in interactions:
            result = Result.DUPLICATE if row.event_id in self.known else Result.ACCEPTED
            results.append(RowResult(result, "", row.event_id))
            self.known.add(row.event_id)
            self.rows.append(row)
        return Recorded(len(self.rows), results)


def record(*rows: Interaction | UnreadableInteraction, recorder: FakeRecorder | None = None) -> Recorded:
    return asyncio.run(record_interactions(rows, recorder=recorder or FakeRecorder(), clock=AMinute(), now_ms=NOW))


def like(**fields: object) -> Interaction:
    return Interaction(**{"username": "ana", "verb": "LIKE", "post_id": 1, **fields})


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (like(username=""), "username: must not be empty or blank"),
        (like(username=" \t"), "username: must not be empty or blank"),
        (like(username="a" * 201), "username: has 201 code points, the maximum is 200"),
        (like(username="a\0"), "username: must not hold the character U+0000"),
        (like(event_id="e" * 201), "event_id: has 201 code points, the maximum is 200"),
        (like(verb=""), "verb: is missing; only an interaction that retracts another may lack it"),
        (like(verb="ADMIRE"), "verb: 'ADMIRE' is not one of VIEW, LIKE, INSPIRE, RATING, SKIP, NOT_INTERESTED"),
        (like(post_id=None), "post_id: is missing; name the post by post_id or external_id"),
        (like(post_id=2**63), "post_id: must be a 64-bit integer"),
        (like(event_id="x", retracts="x"), "retracts: must not be the event_id of the same interaction"),
        (like(watched_share=1.5), "watched_share: must be from 0 to 1, not 1.5"),
        (like(watched_share=float("nan")), "watched_share: must be from 0 to 1, not nan"),
        (like(verb="RATING"), "rating_percent: is missing; the verb RATING requires it"),
        (like(rating_percent=5), "rating_percent: is allowed only with the verb RATING"),
        (like(verb="RATING", rating_percent=0), "rating_percent: must be from 1 to 100, not 0"),
        (like(verb="RATING", rating_percent=101), "rating_percent: must be from 1 to 100, not 101"),
        (like(place=0), "place: must be from 1 to 100, not 0"),
        (like(place=101), "place: must be from 1 to 100, not 101"),
        (like(occurred_at_ms=EARLIEST_MS - 1), "occurred_at: is before the year 2000"),
        (like(occurred_at_ms=NOW + 60_001), "occurred_at: is more than a minute in the future"),
        (UnreadableInteraction("no row"), "no row"),
    ],
)
def test_a_row_that_cannot_be_recorded_is_rejected_by_name_and_its_neighbours_are_recorded(
    row: Interaction | UnreadableInteraction, reason: str
) -> None:
    recorder = FakeRecorder()
    recorded = record(like(event_id="first"), row, like(event_id="last"), recorder=recorder)
    assert [item.result for item in recorded.results] == [Result.ACCEPTED, Result.REJECTED, Result.ACCEPTED]
    assert recorded.results[1] == RowResult(Result.REJECTED, reason)
    assert [item.event_id for item in recorder.rows] == ["first", "last"]
    assert record(row) == Recorded(0, [RowResult(Result.REJECTED, reason)])


@pytest.mark.parametrize(
    "row",
    [
        *(like(verb=verb, rating_percent=50 if verb == "RATING" else None) for verb in VERBS),
        like(post_id=None, external_id="tt0133093"),
        like(verb="", post_id=None, retracts="another"),
        like(occurred_at_ms=EARLIEST_MS),
        like(occurred_at_ms=NOW + 60_000),
        like(watched_share=0.0),
        like(place=1),
        like(place=100),
        like(watched_share=1.0, feed_id="a feed"),
        like(username="a" * 200, post_id=-(2**63)),
    ],
)
def test_a_sound_row_is_recorded_as_it_is(row: Interaction) -> None:
    recorder = FakeRecorder()
    (result,) = record(row, recorder=recorder).results
    (kept,) = recorder.rows
    assert result == RowResult(Result.ACCEPTED, "", kept.event_id)
    assert kept.occurred_at_ms == (NOW if row.occurred_at_ms is None else row.occurred_at_ms)
    assert (kept.username, kept.post_id, kept.verb) == (row.username, row.post_id, row.verb)


def test_the_same_user_post_verb_and_time_are_the_same_event_and_others_are_not() -> None:
    rows = [like(), like(), like(post_id=2), like(verb="VIEW"), like(username="bob"), like(occurred_at_ms=NOW - 1)]
    results = [row.result for row in record(*rows, recorder=FakeRecorder()).results]
    assert results == [Result.ACCEPTED, Result.DUPLICATE, *[Result.ACCEPTED] * 4]


@pytest.mark.parametrize("count", [0, 1001])
def test_a_call_holds_1_to_1000_interactions(count: int) -> None:
    with pytest.raises(InteractionCountError, match=f"{count} interactions given, 1 to 1000 are allowed"):
        record(*[like()] * count)


def test_both_edges_read_the_same_interaction() -> None:
    moment = Timestamp()
    moment.FromMilliseconds(NOW)
    message = feedback_pb2.Interaction(
        event_id="e",
        username="béla",
        post_id=2**53 + 1,
        verb=feedback_pb2.VERB_RATING,
        watched_share=0.5,
        rating_percent=70,
        occurred_at=moment,
        retracts="r",
        feed_id="f",
        external_id="x",
        place=3,
    )
    (of_message,) = read_interactions(feedback_pb2.RecordInteractionsRequest(interactions=[message]))
    body = (
        '{"interactions": [{"event_id": "e", "username": "béla", "post_id": "9007199254740993", "verb": "RATING", '
        '"watched_share": 0.5, "rating_percent": 70, "occurred_at": "2025-06-15T17:06:40+02:00", "retracts": "r", '
        '"feed_id": "f", "external_id": "x", "place": 3}]}'
    )
    assert read_document(body.encode()) == [of_message]
    assert isinstance(of_message, Interaction)
    message.ClearField("place")  # it is counted here, and no other process asks for it
    assert write_interaction(of_message) == message


def test_both_edges_write_the_same_results() -> None:
    recorded = Recorded(5, [RowResult(Result.ACCEPTED, "", "e"), RowResult(Result.REJECTED, "why")])
    assert recorded_document(recorded) == {
        "position": 5,
        "results": [
            {"result": "ACCEPTED", "reason": "", "event_id": "e"},
            {"result": "REJECTED", "reason": "why", "event_id": ""},
        ],
    }
    message = write_recorded(recorded)
    assert [feedback_pb2.RecordResult.Name(row.result) for row in message.results] == [
        "RECORD_RESULT_ACCEPTED",
        "RECORD_RESULT_REJECTED",
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("[]", "an interaction must be a JSON object"),
        ('{"username": 5}', "username: must be a string"),
        ('{"post_id": 1.5}', "post_id: must be an integer"),
        ('{"post_id": true}', "post_id: must be an integer"),
        ('{"post_id": "1e3"}', "post_id: must be an integer"),
        ('{"post_id": "٣"}', "post_id: must be an integer"),
        ('{"place": "first"}', "place: must be an integer"),
        ('{"watched_share": "half"}', "watched_share: must be a number"),
        ('{"occurred_at": 5}', "occurred_at: must be a string"),
        ('{"occurred_at": "2025-06-15T15:06:40"}', "occurred_at: must be a time with its offset"),
        ('{"occurred_at": "yesterday"}', "occurred_at: must be a time with its offset"),
        ('{"occurred_at": "9999-12-31T23:59:59-23:59"}', "occurred_at: "),
        ('{"colour": "red"}', "colour: is not a field of an interaction"),
    ],
)
def test_a_row_of_json_with_a_wrong_type_is_named(row: str, reason: str) -> None:
    (result,) = record(*read_document(b'{"interactions": [%s]}' % row.encode())).results
    assert result.result is Result.REJECTED
    assert result.reason.startswith((reason, "username: must not be empty"))


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"interactions": {}}', b'{"interactions": [], "x": 1}', b"\xff", b"1" * 50]
)
def test_a_body_of_another_form_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedDocumentError):
        read_document(body)


def test_a_time_of_json_keeps_its_millisecond() -> None:
    for number in range(1000):
        text = f"2004-08-21T08:36:26.{number:03}Z"  # as a float, some of these end a millisecond early
        body = orjson.dumps({"interactions": [{"username": "ana", "post_id": 1, "verb": "VIEW", "occurred_at": text}]})
        (row,) = read_document(body)
        assert isinstance(row, Interaction)
        assert row.occurred_at_ms is not None
        assert row.occurred_at_ms % 1000 == number
