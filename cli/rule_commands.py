"""`moodfeed rule set`, `delete` and `list`: the rules by which operators change what feeds show."""

from enum import StrEnum
from typing import Annotated

import typer
from google.protobuf.json_format import MessageToJson
from rich.table import Table

from cli.catalog_client import CatalogClient
from cli.gateway_access import (
    DEFAULT_GATEWAY,
    AuthorityOption,
    CertificateOption,
    GatewayAccess,
    GatewayOption,
    KeyOption,
    client_tls,
)
from cli.moment_options import read_moment_option
from cli.progress import console
from cli.terminal_text import plain, typed
from moodfeed.rules.v1 import rules_pb2

app = typer.Typer(
    name="rule",
    help="Operators' rules at a running gateway: pin, boost and hide posts. A token goes in MOODFEED_ADMIN_TOKEN.",
    no_args_is_help=True,
)


class Action(StrEnum):
    """What a rule does; each value is one of the contract in small letters."""

    PIN = "pin"
    BOOST = "boost"
    HIDE = "hide"


@app.command("set")
def set_rule(
    name: Annotated[str, typer.Argument(help="Name of the rule; a rule of the same name is replaced.")],
    action: Annotated[Action, typer.Argument(help="What it does with the posts.")],
    post: Annotated[list[int] | None, typer.Option(help="A post_id; may be repeated.")] = None,
    category: Annotated[list[int] | None, typer.Option(help="All posts of a category_id; may be repeated.")] = None,
    owner: Annotated[list[str] | None, typer.Option(help="All posts of an account; may be repeated.")] = None,
    boost: Annotated[float, typer.Option(help="How far a boost moves the posts: from -1 to 1.")] = 0.0,
    in_category: Annotated[int | None, typer.Option(help="Only in feeds of this category_id.")] = None,
    since: Annotated[
        str, typer.Option("--from", help="In effect from this time on, such as 2026-05-04T09:30:00Z.")
    ] = "",
    until: Annotated[str, typer.Option(help="In effect until this time.")] = "",
    address: GatewayOption = DEFAULT_GATEWAY,
    authority: AuthorityOption = None,
    certificate: CertificateOption = None,
    key: KeyOption = None,
) -> None:
    """Add a rule, or replace it."""
    rule = rules_pb2.Rule(
        name=typed(name),
        action=f"RULE_ACTION_{action.name}",
        post_ids=post or (),
        category_ids=category or (),
        owner_usernames=[typed(username) for username in owner or ()],
        boost=boost,
        feed_category_id=in_category,
        starts_at=read_moment_option(since, "--from"),
        ends_at=read_moment_option(until, "--until"),
    )
    with CatalogClient(GatewayAccess.from_environment(address, client_tls(authority, certificate, key))) as client:
        typer.echo(f"stored at position {client.set_rule(rule)}")


@app.command("delete")
def delete_rule(
    name: Annotated[str, typer.Argument(help="Name of the rule.")],
    address: GatewayOption = DEFAULT_GATEWAY,
    authority: AuthorityOption = None,
    certificate: CertificateOption = None,
    key: KeyOption = None,
) -> None:
    """Delete a rule."""
    with CatalogClient(GatewayAccess.from_environment(address, client_tls(authority, certificate, key))) as client:
        typer.echo(f"deleted at position {client.delete_rule(typed(name))}")


@app.command("list")
def list_rules(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    address: GatewayOption = DEFAULT_GATEWAY,
    authority: AuthorityOption = None,
    certificate: CertificateOption = None,
    key: KeyOption = None,
) -> None:
    """List all rules, including those that are not in effect now."""
    with CatalogClient(GatewayAccess.from_environment(address, client_tls(authority, certificate, key))) as client:
        rules = client.rules()
    if as_json:
        answer = rules_pb2.ListRulesResponse(rules=rules)
        typer.echo(MessageToJson(answer, preserving_proto_field_name=True, always_print_fields_with_no_presence=True))
        return
    table = Table(title="Rules", title_justify="left")
    for heading in ("rule", "action", "posts", "feeds", "from", "until"):
        table.add_column(heading)
    for rule in rules:
        table.add_row(
            plain(rule.name),
            _action(rule),
            plain(_posts(rule)),
            _feeds(rule),
            _moment(rule, "starts_at"),
            _moment(rule, "ends_at"),
        )
    console.print(table if rules else "There are no rules.")


def _action(rule: rules_pb2.Rule) -> str:
    word = rules_pb2.RuleAction.Name(rule.action).removeprefix("RULE_ACTION_").lower()
    return f"{word} {rule.boost:+g}" if rule.action == rules_pb2.RULE_ACTION_BOOST else word


def _posts(rule: rules_pb2.Rule) -> str:
    named = [
        *map(str, rule.post_ids),
        *(f"category {category_id}" for category_id in rule.category_ids),
        *(f"of {username}" for username in rule.owner_usernames),
    ]
    return ", ".join(named)


def _feeds(rule: rules_pb2.Rule) -> str:
    return f"category {rule.feed_category_id}" if rule.HasField("feed_category_id") else "all"


def _moment(rule: rules_pb2.Rule, field: str) -> str:
    return getattr(rule, field).ToJsonString() if rule.HasField(field) else "–"
