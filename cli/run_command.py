"""`moodfeed run`: make a bundle if there is none, show feeds, and keep the product running.

This process only supervises: it loads no torch, and the pipeline runs in a process of its own, whose memory is freed
when it ends.
"""

import json
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Annotated, NamedTuple
from urllib.parse import urlencode

import typer
from rich.text import Text

from bundle.directory import current_bundle, open_bundle
from bundle.known_users import KnownUsers
from bundle.manifest import BundleError
from bundle.stand_in_titles import read_stand_in_titles
from cli.feed_client import ask_for_categories, ask_for_feed
from cli.feed_commands import BundlesOption
from cli.feed_table import Category, feed_table
from cli.first_bundle import has_fetched_rows, refuse_bundles_without_a_current_one, sample_data_of
from cli.gateway_access import AuthorityOption, CertificateOption, GatewayAccess, KeyOption, client_tls
from cli.gateway_calls import CallRefusedError
from cli.one_index import refuse_divided_index
from cli.one_writer import only_writer
from cli.page_address import Page, look_for_page, page_address
from cli.pipeline_commands import DataOption
from cli.progress import console, print_line
from cli.stack import STORE_FILE, Addresses, running_stack, stopping_together
from cli.starting import StackError
from cli.terminal_text import plain, printable
from pipeline.workspace import Workspace
from rpc.supervisor import follow_supervisor
from rpc.tls import ClientTls

STRANGER = "somebody-new"
MOODS = ("calm", "😂")


def run(
    data: DataOption = Path("data"),
    bundles: BundlesOption = Path("bundles"),
    authority: AuthorityOption = None,
    certificate: CertificateOption = None,
    key: KeyOption = None,
    once: Annotated[bool, typer.Option("--once", help="Stop after showing the feeds.")] = False,
) -> None:
    """Make a bundle if there is none, start the three processes, show a feed for each case, and run until Ctrl-C.

    What people do is kept in store.sqlite below --data, unless MOODFEED_STORE_URL names another store.
    """
    signal.signal(signal.SIGTERM, stop_as_ctrl_c_does)
    refuse_divided_index(os.environ)
    if not has_current_bundle(bundles):
        make_bundle_in_a_child(data, bundles)
    addresses = Addresses.from_environment(os.environ)
    tls = client_tls(authority, certificate, key)
    logs = data / "logs"
    try:
        with (
            console.status("Starting post index, user tower and gateway") as status,
            running_stack(
                bundles,
                addresses,
                logs=logs,
                tls=tls,
                say=print_line,
                store=data / STORE_FILE,
                is_for_one_person=True,
            ) as stack,
        ):
            status.stop()
            _show_every_case(GatewayAccess.from_environment(addresses.gateway_grpc, tls), bundles)
            _show_next_steps(addresses, bundles, logs)
            if not once:
                console.print("Ctrl-C stops everything.")
            _show_page(addresses, bundles, tls)
            if not once:
                stack.wait()
    except KeyboardInterrupt:
        console.print("All requests in flight were answered, and all processes have stopped.")


def ensure_bundle(data: DataOption = Path("data"), bundles: BundlesOption = Path("bundles")) -> None:
    """Make the first bundle from your own data, or from the sample API if there is none; an existing bundle is kept."""
    signal.signal(signal.SIGTERM, stop_as_ctrl_c_does)
    follow_supervisor()
    if has_current_bundle(bundles):
        return
    refuse_bundles_without_a_current_one(bundles)
    from cli import data_stages
    from mood_encoder.encoder_files import default_encoder_directory
    from sample_api.server import SAMPLE_NAME, SAMPLE_RESONANCE_ALGORITHM, SAMPLE_TOKEN, running_sample_api
    from sample_api.world import generate_world

    own, encoder = Workspace(data), default_encoder_directory()
    if own.is_imported or has_fetched_rows(own, sample=SAMPLE_NAME):
        rows = f"imported tables in {own.clean}" if own.is_imported else f"fetched rows in {own.raw}"
        console.print(f"No bundle yet: making one from the {rows}.", soft_wrap=True)
        with only_writer(own.directory):
            if not own.is_imported:
                data_stages.clean_stage(own)
            from cli import stages  # with torch, which rows that are refused need not wait for

            stages.build_from_clean_tables(own, bundles, encoder_directory=encoder)
        return
    sample = Workspace(sample_data_of(data))
    console.print(
        f"No bundle yet: making one from the sample API; its data is kept in {sample.directory}.", soft_wrap=True
    )
    with only_writer(sample.directory):
        with console.status("Generating the sample API's data"):
            world = generate_world()
        with running_sample_api(world) as url:
            from cli import stages

            stages.build_bundle(
                sample,
                bundles,
                upstream=data_stages.Upstream(url, SAMPLE_TOKEN, SAMPLE_RESONANCE_ALGORITHM, name=SAMPLE_NAME),
                encoder_directory=encoder,
            )


def has_current_bundle(bundles: Path) -> bool:
    """Whether a current bundle can be found under a directory."""
    try:
        current_bundle(bundles)
    except BundleError:
        return False
    return True


def make_bundle_in_a_child(data: Path, bundles: Path) -> None:
    """Run `moodfeed ensure-bundle` on this screen; if it fails, it has said why, and this process ends like it."""
    command = [sys.executable, "-m", "cli", "ensure-bundle", "--data", str(data), "--bundles", str(bundles)]
    with stopping_together() as running:
        child, _ = running.start(command, os.environ)
        exit_code = child.wait()
    if exit_code < 0:
        raise StackError(
            f"building the bundle was interrupted by {signal.Signals(-exit_code).name}: run the command again"
        )
    if exit_code > 0:
        raise typer.Exit(exit_code)


class _Case(NamedTuple):
    """A row of the case table, and a request for it."""

    name: str
    username: str
    category_id: int | None = None
    mood: str = ""
    fallback: str = ""


def _show_every_case(gateway: GatewayAccess, bundles: Path) -> None:
    """One feed for each row of the case table."""
    person = _busiest_username(bundles)
    categories = ask_for_categories(gateway)
    stand_ins = read_stand_in_titles(current_bundle(bundles))
    for number, case in enumerate(_cases(person, categories), start=1):
        asked = (
            f"Case {number}, {case.name}: username={case.username!r}"
            + (f" category_id={case.category_id}" if case.category_id is not None else "")
            + (f" mood={case.mood!r}" if case.mood else "")
            + (f" fallback={case.fallback}" if case.fallback else "")
        )
        try:
            feed = ask_for_feed(
                gateway,
                username=case.username,
                category_id=case.category_id,
                mood=case.mood,
                fallback=f"FALLBACK_{case.fallback}" if case.fallback else None,
            )
        except CallRefusedError as refusal:
            console.print(Text(printable(asked), style="bold"), plain(f"  {refusal}"), "", sep="\n")
        else:
            console.print(feed_table(feed, title=asked, categories=categories, stand_ins=stand_ins), "")


def _cases(person: str | None, categories: Sequence[Category]) -> tuple[_Case, ...]:
    """The cases that a bundle has: it may lack users, or categories."""
    words, emoji = MOODS
    largest = max(categories, key=lambda category: category.post_count).category_id if categories else None
    of_person: tuple[_Case, ...] = ()
    if person is not None:
        in_category = (
            _Case("known user in a category", person, largest),
            _Case("known user in a category, with a mood", person, largest, words),
        )
        of_person = (
            _Case("known user", person),
            *(in_category if categories else ()),
            _Case("known user with a mood", person, mood=emoji),
        )
    return (
        *of_person,
        *((_Case("unknown user in a category, with a mood", STRANGER, largest, words),) if categories else ()),
        _Case("unknown user without category and mood", STRANGER),
        _Case("unknown user with a fallback", STRANGER, fallback="TRENDING"),
        _Case("category that does not exist", person or STRANGER, -1),
        _Case("blank username", " "),
    )


def _show_next_steps(addresses: Addresses, bundles: Path, logs: Path) -> None:
    person = _busiest_username(bundles) or STRANGER
    request = json.dumps({"username": person, "mood": "calm"}, ensure_ascii=False)
    query = urlencode({"username": person, "mood": "calm"})
    console.print(
        f"gateway     gRPC {addresses.gateway_grpc}   HTTP http://{addresses.gateway_http}\n"
        f"user tower  gRPC {addresses.user_tower}\n"
        f"post index  gRPC {addresses.post_index}\n"
        f"logs        {logs}\n\n"
        "Try next:\n"
        f"  .venv/bin/grpcurl -plaintext -d {shlex.quote(request)} {addresses.gateway_grpc} "
        "moodfeed.feed.v1.FeedService/GetFeed\n"
        f"  curl -s {shlex.quote(f'http://{addresses.gateway_http}/feed?{query}')}\n"
        f"  .venv/bin/moodfeed feed {shlex.quote(person)} --mood calm\n",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def _show_page(addresses: Addresses, bundles: Path, tls: ClientTls | None) -> None:
    """Print the explorer's address last, if the gateway serves it."""
    person = _busiest_username(bundles) or STRANGER
    url = page_address(addresses.gateway_http, tls, urlencode({"username": person, "mood": "calm"}))
    if url and look_for_page(url, tls) is Page.SERVED:
        console.print(f"\nExplorer: {url}", highlight=False, markup=False, soft_wrap=True)


def _busiest_username(bundles: Path) -> str | None:
    """The user with the longest history; None if the bundle has no users."""
    known = KnownUsers.read(open_bundle(current_bundle(bundles)))
    if not known.usernames:
        return None
    return known.usernames[int((known.offsets[1:] - known.offsets[:-1]).argmax())]


def stop_as_ctrl_c_does(signal_number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    """Handle SIGTERM like Ctrl-C."""
    raise KeyboardInterrupt
