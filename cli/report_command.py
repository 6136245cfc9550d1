"""`moodfeed report`: where the current bundle's report lies, for a person to open."""

import shutil
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from bundle.directory import Bundle, current_bundle, open_bundle
from bundle.file_names import REPORT
from bundle.manifest import BundleError
from cli.feed_commands import BundlesOption


def report(
    bundles: BundlesOption = Path("bundles"),
    in_browser: Annotated[bool, typer.Option("--open", help="Open it in the default browser.")] = False,
    output: Annotated[
        Path | None, typer.Option(file_okay=False, help="Copy the page and its plots into this directory first.")
    ] = None,
) -> None:
    """Print path and URL of the current bundle's report: one HTML file that needs no other."""
    bundle = open_bundle(current_bundle(bundles))
    if REPORT not in bundle.manifest.files:
        raise BundleError(
            bundle.directory / REPORT, "is missing: this bundle was made without a report, run `moodfeed export`"
        )
    page = bundle.path(REPORT) if output is None else _copy(bundle, output)
    typer.echo(page)
    typer.echo(page.as_uri())
    if in_browser and not webbrowser.open(page.as_uri()):
        typer.echo("error: found no browser; open the file by hand", err=True)
        raise typer.Exit(1)


def _copy(bundle: Bundle, output: Path) -> Path:
    """Copy every file beside the page; returns where the page lies then."""
    folder = Path(REPORT).parent
    output.mkdir(parents=True, exist_ok=True)
    for name in bundle.manifest.files:
        if Path(name).parent == folder:
            shutil.copyfile(bundle.path(name), output / Path(name).name)
    return (output / Path(REPORT).name).resolve()
