"""`moodfeed publish`, `moodfeed rollback` and `moodfeed bundles`: choose the bundle that is served, and list them."""

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from bundle.directory import CURRENT_NAME, PREVIOUS_NAME
from bundle.stored_bundles import DEFAULT_KEEP, bundle_ids
from cli.feed_commands import BundlesOption
from cli.gateway_access import AuthorityOption, CertificateOption, KeyOption, client_tls
from cli.milvus_command import MilvusIndexOption, MilvusOption, collections_at
from cli.progress import console
from cli.stack import Addresses
from pipeline.publish import (
    BrokenBundle,
    StoredBundle,
    find_bundle,
    roll_back,
    stored_bundles,
)
from pipeline.publish import publish as publish_bundle
from rpc.tls import ClientTls

METHOD = "two-tower"  # the list shows the offline metrics of this method

KeepOption = Annotated[
    int, typer.Option(min=1, help="Number of newest bundles to keep; current and previous are always kept.")
]
ProcessOption = Annotated[
    list[str] | None,
    typer.Option(
        "--process",
        metavar="HOST:PORT",
        help="Compute process to ask; may be repeated. Default: the two on this machine, if they are running.",
        show_default=False,
    ),
]
ReloadOption = Annotated[
    bool,
    typer.Option(
        "--reload/--no-reload", help="Tell the processes to load the bundle now, or let them notice the change."
    ),
]


def publish(
    bundle: Annotated[
        str, typer.Argument(help="First digits of a bundle id in --bundles, or the directory of a bundle.")
    ],
    bundles: BundlesOption = Path("bundles"),
    keep: KeepOption = DEFAULT_KEEP,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="s3://BUCKET/PREFIX",
            help="Upload the bundle and make it current there, and nowhere else; the credentials come from the "
            "standard AWS variables.",
            show_default=False,
        ),
    ] = None,
    process: ProcessOption = None,
    reload_it: ReloadOption = True,
    authority: AuthorityOption = None,
    certificate: CertificateOption = None,
    key: KeyOption = None,
    milvus: MilvusOption = None,
    milvus_index: MilvusIndexOption = None,
) -> None:
    """Verify a bundle, make it current, remove old bundles, and tell the running processes to load it.

    With --milvus, first fill and check the bundle's collection on a Milvus server.
    """
    if to is not None:
        from cli.bucket_stage import publish_to_bucket

        _refuse_beside_a_bucket({"--milvus": milvus, "--milvus-index": milvus_index, "--process": process or None})
        publish_to_bucket(to, find_bundle(bundles, bundle))
        return
    with console.status("publish: verifying") as status:
        collections = collections_at(milvus, milvus_index, on_progress=status.update)
        published = publish_bundle(
            bundles,
            find_bundle(bundles, bundle),
            keep=keep,
            on_wait=lambda: status.update(f"publish: waiting for another process that is changing {bundles}"),
            before=collections.bring_and_switch if collections else None,
        )
    console.print(f"Bundle {published.bundle_id} is current in {bundles}.", soft_wrap=True)
    for bundle_id in published.removed:
        console.print(f"Removed {bundle_id}: not among the {keep} newest.", soft_wrap=True)
    if reload_it:
        _tell_processes(bundles, process, client_tls(authority, certificate, key))
    if collections and reload_it:  # the processes were told to load the new bundle
        for name in collections.remove_old():
            console.print(f"Removed {name} from Milvus: neither current nor previous.", soft_wrap=True)


def _refuse_beside_a_bucket(options: Mapping[str, object]) -> None:
    for name, value in options.items():
        if value is not None:
            raise typer.BadParameter(
                "cannot be given beside --to, which changes the bucket alone: publish once with each", param_hint=name
            )


def rollback(
    bundle: Annotated[
        str | None,
        typer.Argument(help="First digits of a bundle id; default: the previous bundle.", show_default=False),
    ] = None,
    bundles: BundlesOption = Path("bundles"),
    process: ProcessOption = None,
    reload_it: ReloadOption = True,
    authority: AuthorityOption = None,
    certificate: CertificateOption = None,
    key: KeyOption = None,
    milvus: MilvusOption = None,
    milvus_index: MilvusIndexOption = None,
) -> None:
    """Verify the previous bundle and make it current again; a second rollback undoes the first."""
    with console.status("rollback: verifying") as status:
        collections = collections_at(milvus, milvus_index, on_progress=status.update)
        published = roll_back(
            bundles,
            None if bundle is None else find_bundle(bundles, bundle),
            on_wait=lambda: status.update(f"rollback: waiting for another process that is changing {bundles}"),
            before=collections.bring_and_switch if collections else None,
        )
    console.print(f"Bundle {published.bundle_id} is current in {bundles}.", soft_wrap=True)
    if reload_it:
        _tell_processes(bundles, process, client_tls(authority, certificate, key))


def bundles(
    bundles: BundlesOption = Path("bundles"),
    process: ProcessOption = None,
    authority: AuthorityOption = None,
    certificate: CertificateOption = None,
    key: KeyOption = None,
) -> None:
    """List the bundles, newest first, with their offline metrics, and show which process serves which bundle."""
    from cli.bundle_processes import ask_what_is_held, processes_table

    tls = client_tls(authority, certificate, key)
    answers = [
        ask_what_is_held(address, tls=tls, admin_token=_admin_token()) for address in process or _local_processes()
    ]
    stored = stored_bundles(bundles)
    console.print(_bundles_table(bundles, stored))
    for item in stored:
        if isinstance(item, BrokenBundle):
            console.print(f"[bold red]broken:[/bold red] {escape(item.reason)}", soft_wrap=True)
    console.print(processes_table(answers, stored=bundle_ids(bundles)))


def _tell_processes(root: Path, named: Sequence[str] | None, tls: ClientTls | None) -> None:
    """Ask for a reload and show the answers; exit code 1 if a process refuses or a named one does not answer."""
    from cli.bundle_processes import Refused, Silent, ask_to_reload, processes_table

    with console.status("waiting for the processes to load it"):
        answers = [
            ask_to_reload(address, tls=tls, admin_token=_admin_token()) for address in named or _local_processes()
        ]
    console.print(processes_table(answers, stored=bundle_ids(root)))
    if any(isinstance(answer, Refused) or (named and isinstance(answer, Silent)) for answer in answers):
        raise typer.Exit(1)


def _local_processes() -> tuple[str, ...]:
    addresses = Addresses.from_environment(os.environ)
    return addresses.user_tower, addresses.post_index


def _admin_token() -> str:
    return os.environ.get("MOODFEED_ADMIN_TOKEN", "")


def _bundles_table(root: Path, stored: Sequence[StoredBundle | BrokenBundle]) -> Table:
    from cli.bundle_processes import SHOWN_DIGITS

    title = f"Bundles in {escape(str(root))}, newest first; offline metrics @10 of the {METHOD} model"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("bundle", "role"):
        table.add_column(heading, no_wrap=True)
    for heading in ("age", "posts", "users", "events", "Recall", "NDCG", "size"):
        table.add_column(heading, justify="right")
    for item in stored:
        names = (item.bundle_id[:SHOWN_DIGITS], _role(root, item.bundle_id) or "–")
        match item:
            case BrokenBundle():
                table.add_row(*names, "[bold red]broken[/bold red]")
            case StoredBundle():
                table.add_row(*names, *_facts(item))
    return table


def _role(root: Path, bundle_id: str) -> str:
    directory = (root / bundle_id).resolve()
    return ", ".join(name for name in (CURRENT_NAME, PREVIOUS_NAME) if os.path.realpath(root / name) == str(directory))


def _facts(bundle: StoredBundle) -> tuple[str, ...]:
    counts = bundle.manifest.counts
    metrics = bundle.manifest.offline_metrics.get(METHOD, {})
    return (
        _age(datetime.now(UTC) - bundle.created_at),
        *(f"{counts[name]:,}" if name in counts else "–" for name in ("servable_posts", "users", "interactions")),
        *(f"{metrics[name]:.3f}" if name in metrics else "–" for name in ("recall_at_10", "ndcg_at_10")),
        f"{bundle.size / 1e6:,.0f} MB",
    )


def _age(age: timedelta) -> str:
    """In the largest unit that gives at least 2."""
    seconds = max(age.total_seconds(), 0)
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
