"""A rule by which an operator changes what feeds show."""

from dataclasses import dataclass
from enum import Enum


class RuleAction(Enum):
    """What a rule does with the posts that it names; each value is the name in the contract."""

    PIN = "RULE_ACTION_PIN"
    BOOST = "RULE_ACTION_BOOST"
    HIDE = "RULE_ACTION_HIDE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A named rule; see moodfeed.rules.v1.Rule. It counts from ``starts_at_ms`` on, before ``ends_at_ms``."""

    name: str
    action: RuleAction
    post_ids: tuple[int, ...] = ()
    category_ids: tuple[int, ...] = ()
    owner_usernames: tuple[str, ...] = ()
    boost: float = 0.0
    feed_category_id: int | None = None
    starts_at_ms: int | None = None
    ends_at_ms: int | None = None
