"""Which rules of operators can be kept."""

import math

from gateway.feedback_types import LONGEST_NAME
from gateway.field_checks import RejectedError, check_category_id, check_not_empty, check_post_id, check_text
from gateway.rules_types import InvalidRuleError, Rule, RuleAction

LONGEST_RULE_NAME = 100
MOST_POSTS_OF_A_RULE = 1000
MOST_PINNED = 10
MOST_NAMED = 100  # categories, or accounts
_EARLIEST_MS, _LATEST_MS = 0, 253_402_300_799_999  # 1970 to 9999


def check_rule(rule: Rule) -> None:
    """Raises InvalidRuleError unless the rule can be kept."""
    try:
        _check_name(rule.name)
        _check_posts(rule)
        _check_boost(rule)
        _check_span(rule)
    except RejectedError as error:
        raise InvalidRuleError(str(error)) from error


def check_rule_name(name: str) -> None:
    """Raises InvalidRuleError unless a rule can have the name."""
    try:
        _check_name(name)
    except RejectedError as error:
        raise InvalidRuleError(str(error)) from error


def _check_name(name: str) -> None:
    check_not_empty(name, "name")
    check_text(name, "name", LONGEST_RULE_NAME)


def _check_posts(rule: Rule) -> None:
    if rule.action is None:
        raise RejectedError(f"action: must be one of {', '.join(action.name for action in RuleAction)}")
    most = MOST_PINNED if rule.action is RuleAction.PIN else MOST_POSTS_OF_A_RULE
    for field, limit in (("post_ids", most), ("category_ids", MOST_NAMED), ("owner_usernames", MOST_NAMED)):
        values: tuple[object, ...] = getattr(rule, field)
        if len(values) > limit:
            raise RejectedError(f"{field}: {len(values)} are given, the maximum is {limit}")
        if len(set(values)) < len(values):
            raise RejectedError(f"{field}: a value is given twice")
    for post_id in rule.post_ids:
        check_post_id(post_id, "post_ids")
    for category_id in rule.category_ids:
        check_category_id(category_id, "category_ids")
    for username in rule.owner_usernames:
        check_not_empty(username, "owner_usernames")
        check_text(username, "owner_usernames", LONGEST_NAME)
    if rule.action is RuleAction.PIN and (rule.category_ids or rule.owner_usernames):
        field = "category_ids" if rule.category_ids else "owner_usernames"
        raise RejectedError(f"{field}: a rule with PIN must name its posts by post_ids only")
    if not (rule.post_ids or rule.category_ids or rule.owner_usernames):
        raise RejectedError("post_ids: no post is named")
    if rule.feed_category_id is not None:
        check_category_id(rule.feed_category_id, "feed_category_id")


def _check_boost(rule: Rule) -> None:
    if not math.isfinite(rule.boost) or not -1 <= rule.boost <= 1:
        raise RejectedError(f"boost: must be from -1 to 1, not {rule.boost:g}")
    if rule.action is RuleAction.BOOST and not rule.boost:
        raise RejectedError("boost: is missing or 0; give a number from -1 to 1 other than 0")
    if rule.action is not RuleAction.BOOST and rule.boost:
        raise RejectedError("boost: is allowed only with the action BOOST")


def _check_span(rule: Rule) -> None:
    for field, moment in (("starts_at", rule.starts_at_ms), ("ends_at", rule.ends_at_ms)):
        if moment is not None and not _EARLIEST_MS <= moment <= _LATEST_MS:
            raise RejectedError(f"{field}: must be in the years 1970 to 9999")
    if rule.starts_at_ms is not None and rule.ends_at_ms is not None and rule.ends_at_ms <= rule.starts_at_ms:
        raise RejectedError("ends_at: must be after starts_at")
