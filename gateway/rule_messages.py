"""The messages of moodfeed.rules.v1.RuleService, read and written, and the same as JSON for HTTP."""

from collections.abc import Callable, Iterable, Mapping

from gateway.json_messages import UnreadableFieldError, document_of, fill, read_json_object
from gateway.rules_types import InvalidRuleError, Rule, RuleAction
from moodfeed.rules.v1 import rules_pb2
from rpc.moments import milliseconds_of, timestamp_of

SERVICE_NAME = rules_pb2.DESCRIPTOR.services_by_name["RuleService"].full_name
METHODS = frozenset(method.name for method in rules_pb2.DESCRIPTOR.services_by_name["RuleService"].methods)
_ACTIONS = {rules_pb2.RuleAction.Value(action.value): action for action in RuleAction}


def read_rule(message: rules_pb2.Rule) -> Rule:
    """Read a rule."""
    return Rule(
        name=message.name,
        action=_ACTIONS.get(message.action),
        post_ids=tuple(message.post_ids),
        category_ids=tuple(message.category_ids),
        owner_usernames=tuple(message.owner_usernames),
        boost=message.boost,
        feed_category_id=message.feed_category_id if message.HasField("feed_category_id") else None,
        starts_at_ms=milliseconds_of(message.starts_at) if message.HasField("starts_at") else None,
        ends_at_ms=milliseconds_of(message.ends_at) if message.HasField("ends_at") else None,
    )


def write_rule(rule: Rule) -> rules_pb2.Rule:
    """Write a rule."""
    return rules_pb2.Rule(
        name=rule.name,
        action=rule.action.value if rule.action else None,
        post_ids=rule.post_ids,
        category_ids=rule.category_ids,
        owner_usernames=rule.owner_usernames,
        boost=rule.boost,
        feed_category_id=rule.feed_category_id,
        starts_at=None if rule.starts_at_ms is None else timestamp_of(rule.starts_at_ms),
        ends_at=None if rule.ends_at_ms is None else timestamp_of(rule.ends_at_ms),
    )


def read_rule_document(body: bytes, name: str) -> Rule:
    """Read a rule from JSON, and its name from the path; MalformedDocumentError, InvalidRuleError."""
    try:
        message = fill(rules_pb2.Rule(), read_json_object(body))
    except UnreadableFieldError as error:
        raise InvalidRuleError(str(error)) from error
    if message.name not in {"", name}:
        raise InvalidRuleError("name: is not the one in the path")
    message.name = name
    return read_rule(message)


def rules_document(rules: Iterable[Rule], *, ids: Callable[[int], int | str] = int) -> Mapping[str, object]:
    """Rules as JSON; ``ids`` is how it carries post ids."""
    return {"rules": [document_of(write_rule(rule), id_fields=("post_ids",), ids=ids) for rule in rules]}
