"""Rules by which an operator changes what feeds show, what becomes of them, and how that fails."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from gateway.feed_types import FeedError


class InvalidRuleError(FeedError):
    """The rule cannot be kept; the text begins with the name of the field."""


class RuleNotFoundError(FeedError):
    """There is no rule of this name."""

    def __init__(self) -> None:
        super().__init__("there is no rule with this name")


class RuleAction(Enum):
    """What a rule does with the posts that it names; each value is the name in the contract."""

    PIN = "RULE_ACTION_PIN"
    BOOST = "RULE_ACTION_BOOST"
    HIDE = "RULE_ACTION_HIDE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A named rule; rules.proto says what each field means. ``action`` is None if it is none of RuleAction."""

    name: str
    action: RuleAction | None
    post_ids: tuple[int, ...] = ()
    category_ids: tuple[int, ...] = ()
    owner_usernames: tuple[str, ...] = ()
    boost: float = 0.0
    feed_category_id: int | None = None
    starts_at_ms: int | None = None
    ends_at_ms: int | None = None


class RuleKeeper(Protocol):
    """Keeps rules durably. Every method may raise the errors of DependencyUnavailableError and NoStoreError."""

    async def set_rule(self, rule: Rule, *, seconds: float) -> int:
        """Keep a rule within ``seconds``; gives the position from which on it counts."""

    async def delete_rule(self, name: str, *, seconds: float) -> int:
        """Delete a rule; gives the position. RuleNotFoundError if there is none of the name."""

    async def list_rules(self, *, seconds: float) -> Sequence[Rule]:
        """All rules, ascending by name."""
