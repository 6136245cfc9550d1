"""Ask running compute processes which bundles they hold, or to take in the current one, and show who serves what."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import grpc
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status
from rich.markup import escape
from rich.table import Table

from cli.gateway_access import Trust
from moodfeed.bundle.v1 import bundle_pb2, bundle_pb2_grpc

SHOWN_DIGITS = 12
_ASK_SECONDS = 5.0
_RELOAD_SECONDS = 600.0  # a process verifies and warms a bundle of any size before it answers


@dataclass(frozen=True, slots=True)
class Held:
    """What a process holds: the bundle it answers from, and the one that still answers who names it ("" for none)."""

    address: str
    current_bundle_id: str
    previous_bundle_id: str


@dataclass(frozen=True, slots=True)
class Silent:
    """No process answers at the address."""

    address: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A process answers, but not with what was asked for: says why."""

    address: str
    reason: str


Answer = Held | Silent | Refused
_Call = Callable[[bundle_pb2_grpc.BundleServiceStub, Sequence[tuple[str, str]]], object]


def ask_what_is_held(address: str, *, trust: Trust | None = None, admin_token: str = "") -> Answer:
    """Which bundles the process at host:port answers from."""
    return _ask(
        address,
        trust or Trust(),
        admin_token,
        lambda stub, metadata: stub.GetHeldBundles(
            bundle_pb2.GetHeldBundlesRequest(), metadata=metadata, timeout=_ASK_SECONDS
        ),
    )


def ask_to_reload(address: str, *, trust: Trust | None = None, admin_token: str = "") -> Answer:
    """Make the process at host:port take in what ``current`` points at; answers once that is live, or refused."""
    return _ask(
        address,
        trust or Trust(),
        admin_token,
        lambda stub, metadata: stub.ReloadBundle(
            bundle_pb2.ReloadBundleRequest(), metadata=metadata, timeout=_RELOAD_SECONDS
        ),
    )


def processes_table(answers: Sequence[Answer], *, stored: Sequence[str]) -> Table:
    """Which process serves which bundle, for a person to read; ``stored`` are the ids of those that lie here."""
    table = Table(title="Processes", title_justify="left")
    for heading in ("process", "serves", "and, by name", ""):
        table.add_column(heading)
    for answer in answers:
        match answer:
            case Held(address, current, previous):
                strange = "" if current in stored else "a bundle that does not lie here"
                table.add_row(escape(address), current[:SHOWN_DIGITS], previous[:SHOWN_DIGITS] or "–", strange)
            case Silent(address):
                table.add_row(escape(address), "–", "–", "no process answers here")
            case Refused(address, reason):
                table.add_row(escape(address), "–", "–", f"[bold red]{escape(reason)}[/bold red]")
    return table


def _ask(address: str, trust: Trust, admin_token: str, call: _Call) -> Answer:
    metadata = [("authorization", f"Bearer {admin_token}")] if admin_token else []
    with trust.open_channel(address) as channel:
        try:
            answer = call(bundle_pb2_grpc.BundleServiceStub(channel), metadata)
        except grpc.RpcError as error:
            return _refusal(address, error)
    if not isinstance(answer, bundle_pb2.ReloadBundleResponse | bundle_pb2.GetHeldBundlesResponse):
        raise TypeError(type(answer))
    return Held(address, answer.current_bundle_id, answer.previous_bundle_id)


def _refusal(address: str, error: grpc.RpcError) -> Silent | Refused:
    status, details = error.code(), error.details() or ""
    if status == grpc.StatusCode.UNAVAILABLE and "connect" in details:
        return Silent(address)
    if status == grpc.StatusCode.UNIMPLEMENTED:
        return Refused(address, "holds no bundles: neither the user tower service nor the post index service")
    return Refused(address, f"{_reason_of(error) or status.name}: {details}")


def _reason_of(error: grpc.RpcError) -> str:
    """The reason of the error's ErrorInfo, empty if it has none."""
    try:
        status = rpc_status.from_call(error)
    except ValueError:  # the peer's details contradict its status
        return ""
    for detail in status.details if status else ():
        info = ErrorInfo()
        if detail.Unpack(info):
            return str(info.reason)
    return ""
