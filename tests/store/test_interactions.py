import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundle.verbs import VERBS
from store.errors import InvalidInteractionError
from store.interactions import NewInteraction, Verb

GOOD = {"event_id": "e", "username": "ana", "occurred_at_ms": 1, "verb": Verb.LIKE, "post_id": 1}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"username": ""}, "username"),
        ({"username": "a" * 201}, "username"),
        ({"username": "a\x00b"}, "username"),
        ({"username": "\ud800"}, "username"),
        ({"event_id": ""}, "event_id"),
        ({"feed_id": ""}, "feed_id"),
        ({"external_id": "\x00", "post_id": None}, "external_id"),
        ({"retracts": ""}, "retracts"),
        ({"retracts": "e"}, "retracts"),
        ({"post_id": 2**63}, "post_id"),
        ({"post_id": None}, "post_id"),
        ({"occurred_at_ms": -(2**63) - 1}, "occurred_at_ms"),
        ({"watched_share": float("nan")}, "watched_share"),
        ({"watched_share": float("inf")}, "watched_share"),
        ({"watched_share": 1.01}, "watched_share"),
        ({"rating_percent": 0}, "rating_percent"),
        ({"rating_percent": 101}, "rating_percent"),
        ({"verb": None}, "verb"),
    ],
)
def test_a_value_that_no_row_can_hold_is_refused_by_name(wrong: dict, field: str) -> None:
    with pytest.raises(InvalidInteractionError, match=f"^{field}: "):
        NewInteraction(**(GOOD | wrong))


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_watched_share_is_a_share_or_refused(share: float) -> None:
    try:
        kept = NewInteraction(**GOOD, watched_share=share).watched_share
    except InvalidInteractionError:
        assert not 0 <= share <= 1
    else:
        assert kept is not None
        assert 0 <= kept <= 1


def test_a_verb_has_the_number_that_it_has_in_a_bundle() -> None:
    assert [Verb(number).name.lower() for number in range(len(VERBS))] == list(VERBS)
