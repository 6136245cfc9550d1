"""`moodfeed forget`: remove people and posts from the stored data, and list the bundles that still hold them."""

import re
import shlex
from pathlib import Path
from typing import Annotated

import typer

from cli.feed_commands import BundlesOption
from cli.one_writer import only_writer_if_there
from cli.pipeline_commands import DataOption
from cli.progress import console, print_line
from cli.terminal_text import plain, typed
from pipeline.workspace import Workspace


def forget(
    people: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="USERNAME_OR_ID…", help="People to forget; id:NUMBER if a username is a number.", show_default=False
        ),
    ] = None,
    post: Annotated[
        list[str] | None,
        typer.Option("--post", help="Id or external id of a post to forget; may be repeated.", show_default=False),
    ] = None,
    data: DataOption = Path("data"),
    bundles: BundlesOption = Path("bundles"),
) -> None:
    """Remove people and posts from the raw store and the clean tables, and keep them out of every later fetch.

    The next bundle that is trained and exported does not hold them. Existing bundles are not changed: the command
    lists those that hold forgotten people or posts.
    """
    if not people and not post:
        raise typer.BadParameter("pass a username, an id or --post")
    from pipeline.forget import forget as forget_in_data
    from pipeline.forget import holders
    from pipeline.forgotten import Forgotten

    workspace = Workspace(data)
    with only_writer_if_there(workspace.directory), only_writer_if_there(workspace.evaluation_towers):
        report = forget_in_data(workspace, people=map(typed, people or ()), posts=map(_post, post or ()))
    for account in report.accounts:
        console.print(plain(f"Forgot {account.username!r} (id {account.user_id})."), soft_wrap=True)
    for each in report.posts:
        print_line(f"Forgot post {each}.")
    if not report.accounts and not report.posts:
        console.print("Already forgotten.")
    owned = f"; {report.renamed} posts stay without their owner's name (--post forgets one)" if report.renamed else ""
    print_line(
        f"Removed {report.raw_rows} rows from the raw store and {report.clean_rows} from the clean tables{owned}. "
        f"{workspace.forgotten} keeps them out of later fetches and imports: keep it with the data."
    )
    held = holders(bundles, Forgotten.read(workspace.forgotten))
    if held:
        where = shlex.quote(str(data))
        print_line(
            f"Bundles that hold forgotten people or posts: {len(held)}. Make a new one, then delete these:\n"
            f"  moodfeed embed --data {where} && moodfeed train --data {where} && moodfeed export --data {where} "
            f"--bundles {shlex.quote(str(bundles))}\n"
            f"  rm -r {shlex.join(map(str, held))}"
        )
    else:
        print_line(f"No bundle in {bundles} holds a forgotten person or post.")
    print_line("Not changed: copies of these files, and the upstream API.")


def _post(text: str) -> int | str:
    """A post id or an external id, told apart as by the gateway."""
    return int(text) if re.fullmatch(r"-?[0-9]+", text.strip(), re.ASCII) else typed(text)
