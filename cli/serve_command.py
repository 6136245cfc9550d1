"""`moodfeed serve`: serve the current bundle, in three processes or in one."""

import os
import signal
from pathlib import Path
from typing import Annotated

import typer

from bundle.directory import current_bundle
from cli.feed_commands import BundlesOption
from cli.gateway_access import AuthorityOption, CertificateOption, KeyOption, client_tls
from cli.one_index import refuse_divided_index
from cli.pipeline_commands import DataOption
from cli.progress import console, print_line
from cli.run_command import stop_as_ctrl_c_does
from cli.stack import STORE_FILE, Addresses, running_stack


def serve(
    bundles: BundlesOption = Path("bundles"),
    data: DataOption = Path("data"),
    authority: AuthorityOption = None,
    certificate: CertificateOption = None,
    key: KeyOption = None,
    embedded: Annotated[
        bool, typer.Option("--embedded", help="Run everything in one process, for a laptop or a small site.")
    ] = False,
) -> None:
    """Serve the current bundle until Ctrl-C; MOODFEED_* variables set addresses and everything else (docs/settings.md).

    What people do is kept in store.sqlite below --data, unless MOODFEED_STORE_URL names another store.
    """
    signal.signal(signal.SIGTERM, stop_as_ctrl_c_does)
    refuse_divided_index(os.environ)
    bundle = current_bundle(bundles)
    addresses = Addresses.from_environment(os.environ)
    logs = data / "logs"
    try:
        with running_stack(
            bundles,
            addresses,
            logs=logs,
            tls=client_tls(authority, certificate, key),
            embedded=embedded,
            say=print_line,
            store=data / STORE_FILE,
        ) as stack:
            console.print(
                f"gateway  gRPC {addresses.gateway_grpc}   HTTP {addresses.gateway_http}\n"
                f"bundle   {bundle.name}\nlogs     {logs}\n\nCtrl-C stops {'it' if embedded else 'all three'}.",
                highlight=False,
                markup=False,
                soft_wrap=True,
            )
            stack.wait()
    except KeyboardInterrupt:
        console.print("All requests in flight were answered, and all processes have stopped.")
