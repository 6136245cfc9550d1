"""Ask running compute processes which bundles they hold or to reload, and show which process serves which bundle."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import grpc
from rich.markup import escape
from rich.table import Table

from cli.gateway_access import bearer, is_unreachable
from moodfeed.bundle.v1 import bundle_pb2, bundle_pb2_grpc
from rpc.channel import open_blocking_channel
from rpc.errors import read_error_info
from rpc.tls import ClientTls

SHOWN_DIGITS = 12
_ASK_SECONDS = 5.0
_RELOAD_SECONDS = 600.0  # a process verifies and warms up a bundle of any size before it answers


@dataclass(frozen=True, slots=True)
class Held:
    """The bundles that a process holds: the current one, and the previous one, still served by id ("" for none)."""

    address: str
    current_bundle_id: str
    previous_bundle_id: str


@dataclass(frozen=True, slots=True)
class Silent:
    """No process answers at the address."""

    address: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A process answers with an error: says why."""

    address: str
    reason: str


ProcessAnswer = Held | Silent | Refused
_BundleCall = Callable[[bundle_pb2_grpc.BundleServiceStub, Sequence[tuple[str, str]]], object]


def ask_what_is_held(address: str, *, tls: ClientTls | None = None, admin_token: str = "") -> ProcessAnswer:
    """Which bundles the process at host:port holds."""
    return _ask(
        address,
        tls,
        admin_token,
        lambda stub, metadata: stub.GetHeldBundles(
            bundle_pb2.GetHeldBundlesRequest(), metadata=metadata, timeout=_ASK_SECONDS
        ),
    )


def ask_to_reload(address: str, *, tls: ClientTls | None = None, admin_token: str = "") -> ProcessAnswer:
    """Make the process at host:port load the current bundle; returns once the bundle is served or refused."""
    return _ask(
        address,
        tls,
        admin_token,
        lambda stub, metadata: stub.ReloadBundle(
            bundle_pb2.ReloadBundleRequest(), metadata=metadata, timeout=_RELOAD_SECONDS
        ),
    )


def processes_table(answers: Sequence[ProcessAnswer], *, stored: Sequence[str]) -> Table:
    """Which process serves which bundle, for a person to read; ``stored`` are the ids in the bundles directory."""
    table = Table(title="Processes", title_justify="left")
    for heading in ("process", "serves", "also, by id", ""):
        table.add_column(heading)
    for answer in answers:
        match answer:
            case Held(address, current, previous):
                note = "" if current in stored else "this bundle is not in the bundles directory"
                table.add_row(escape(address), current[:SHOWN_DIGITS], previous[:SHOWN_DIGITS] or "–", note)
            case Silent(address):
                table.add_row(escape(address), "–", "–", "no process answers here")
            case Refused(address, reason):
                table.add_row(escape(address), "–", "–", f"[bold red]{escape(reason)}[/bold red]")
    return table


def _ask(address: str, tls: ClientTls | None, admin_token: str, call: _BundleCall) -> ProcessAnswer:
    with open_blocking_channel(address, tls) as channel:
        try:
            answer = call(bundle_pb2_grpc.BundleServiceStub(channel), bearer(admin_token))
        except grpc.RpcError as error:
            return _refusal(address, error)
    if not isinstance(answer, bundle_pb2.ReloadBundleResponse | bundle_pb2.GetHeldBundlesResponse):
        raise TypeError(type(answer))
    return Held(address, answer.current_bundle_id, answer.previous_bundle_id)


def _refusal(address: str, error: grpc.RpcError) -> Silent | Refused:
    if is_unreachable(error):
        return Silent(address)
    if error.code() == grpc.StatusCode.UNIMPLEMENTED:
        return Refused(address, "holds no bundles: this is neither the user tower service nor the post index service")
    return Refused(address, f"{read_error_info(error).reason or error.code().name}: {error.details() or ''}")
