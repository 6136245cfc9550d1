"""Which rules of operators can be kept, and how both edges read them."""

from dataclasses import replace

import pytest

from gateway.rule_messages import read_rule, read_rule_document, rules_document, write_rule
from gateway.rules import check_rule, check_rule_name
from gateway.rules_types import InvalidRuleError, Rule, RuleAction
from moodfeed.rules.v1 import rules_pb2

HIDE = Rule(name="gone", action=RuleAction.HIDE, post_ids=(7,))
PIN = replace(HIDE, action=RuleAction.PIN)
BOOST = replace(HIDE, action=RuleAction.BOOST, boost=0.5)


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (replace(HIDE, name=""), "name: must not be empty or blank"),
        (replace(HIDE, name="n" * 101), "name: has 101 code points, the maximum is 100"),
        (replace(HIDE, name="a\0"), "name: must not hold the character U+0000"),
        (replace(HIDE, action=None), "action: must be one of PIN, BOOST, HIDE"),
        (replace(HIDE, post_ids=()), "post_ids: no post is named"),
        (replace(HIDE, post_ids=tuple(range(1, 1002))), "post_ids: 1001 are given, the maximum is 1000"),
        (replace(HIDE, post_ids=(7, 7)), "post_ids: a value is given twice"),
        (replace(HIDE, post_ids=(0,)), "post_ids: must be from 1 to"),
        (replace(PIN, post_ids=tuple(range(1, 12))), "post_ids: 11 are given, the maximum is 10"),
        (replace(PIN, post_ids=()), "post_ids: no post is named"),
        (replace(PIN, category_ids=(2,)), "category_ids: a rule with PIN must name its posts by post_ids only"),
        (replace(PIN, owner_usernames=("a",)), "owner_usernames: a rule with PIN must name its posts by post_ids only"),
        (replace(HIDE, category_ids=tuple(range(1, 102))), "category_ids: 101 are given, the maximum is 100"),
        (replace(HIDE, category_ids=(-1,)), "category_ids: must be from 1 to"),
        (replace(HIDE, owner_usernames=(" ",)), "owner_usernames: must not be empty or blank"),
        (replace(HIDE, owner_usernames=("a" * 201,)), "owner_usernames: has 201 code points"),
        (replace(HIDE, boost=0.5), "boost: is allowed only with the action BOOST"),
        (replace(BOOST, boost=0.0), "boost: is missing or 0; give a number from -1 to 1 other than 0"),
        (replace(BOOST, boost=1.01), "boost: must be from -1 to 1, not 1.01"),
        (replace(BOOST, boost=float("nan")), "boost: must be from -1 to 1, not nan"),
        (replace(BOOST, boost=float("-inf")), "boost: must be from -1 to 1, not -inf"),
        (replace(HIDE, feed_category_id=0), "feed_category_id: must be from 1 to"),
        (replace(HIDE, starts_at_ms=-1), "starts_at: must be in the years 1970 to 9999"),
        (replace(HIDE, ends_at_ms=2**62), "ends_at: must be in the years 1970 to 9999"),
        (replace(HIDE, starts_at_ms=5, ends_at_ms=5), "ends_at: must be after starts_at"),
    ],
)
def test_a_rule_that_cannot_be_kept_is_refused_by_name(rule: Rule, reason: str) -> None:
    with pytest.raises(InvalidRuleError) as caught:
        check_rule(rule)
    assert str(caught.value).startswith(reason)


@pytest.mark.parametrize(
    "rule",
    [
        HIDE,
        PIN,
        BOOST,
        replace(BOOST, boost=-1.0),
        replace(BOOST, boost=1.0, post_ids=(), category_ids=(2,), owner_usernames=("béla",)),
        replace(HIDE, name="n" * 100, post_ids=tuple(range(1, 1001))),
        replace(HIDE, post_ids=(2**63 - 1,), feed_category_id=2**31 - 1, starts_at_ms=0, ends_at_ms=1),
    ],
)
def test_a_sound_rule_passes_and_travels_as_it_is(rule: Rule) -> None:
    check_rule(rule)
    assert read_rule(write_rule(rule)) == rule


def test_a_name_is_checked_alone() -> None:
    check_rule_name("gone")
    with pytest.raises(InvalidRuleError, match="name: must not be empty"):
        check_rule_name("")


def test_an_action_that_nobody_knows_is_none() -> None:
    assert read_rule(rules_pb2.Rule(name="x")).action is None
    assert (
        read_rule(rules_pb2.Rule.FromString(rules_pb2.Rule(name="x").SerializeToString() + b"\x10\x63")).action is None
    )


def test_json_has_the_same_rule() -> None:
    body = b"""{"action": "boost", "post_ids": ["9007199254740993", 7], "category_ids": [2], "owner_usernames": ["ana"],
        "boost": -0.25, "feed_category_id": 3, "starts_at": "2026-01-01T00:00:00Z", "ends_at": null}"""
    rule = read_rule_document(body, "down")
    assert rule == Rule(
        name="down",
        action=RuleAction.BOOST,
        post_ids=(2**53 + 1, 7),
        category_ids=(2,),
        owner_usernames=("ana",),
        boost=-0.25,
        feed_category_id=3,
        starts_at_ms=1_767_225_600_000,
    )
    assert rules_document([rule], ids=str) == {
        "rules": [
            {
                "name": "down",
                "action": "BOOST",
                "post_ids": ["9007199254740993", "7"],
                "category_ids": [2],
                "owner_usernames": ["ana"],
                "boost": -0.25,
                "feed_category_id": 3,
                "starts_at": "2026-01-01T00:00:00Z",
            }
        ]
    }


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"action": "BURY"}', "action: must be one of PIN, BOOST, HIDE"),
        (b'{"action": 1}', "action: must be one of PIN, BOOST, HIDE"),
        (b'{"boost": "much"}', "boost: must be a number"),
        (b'{"post_ids": 7}', "post_ids: must be a list, each element a 64-bit integer"),
        (b'{"name": "another"}', "name: is not the one in the path"),
    ],
)
def test_a_field_of_json_that_cannot_be_read_is_named(body: bytes, reason: str) -> None:
    with pytest.raises(InvalidRuleError) as caught:
        read_rule_document(body, "gone")
    assert str(caught.value).startswith(reason)
