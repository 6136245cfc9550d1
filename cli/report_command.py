"""`moodfeed report`: find or copy the current bundle's report."""

import shutil
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from bundle.directory import current_bundle, open_bundle
from bundle.file_names import REPORT
from bundle.manifest import BundleError
from cli.feed_commands import BundlesOption


def report(
    bundles: BundlesOption = Path("bundles"),
    in_browser: Annotated[bool, typer.Option("--open", help="Open the report in the default browser.")] = False,
    output: Annotated[
        Path | None, typer.Option(file_okay=False, help="Directory to copy the page and its plots to.")
    ] = None,
) -> None:
    """Print the path and URL of the current bundle's report, a self-contained HTML file."""
    page = open_bundle(current_bundle(bundles)).directory / REPORT
    if not page.is_file():
        raise BundleError(page, "is missing: this bundle was made without a report, run `moodfeed export`")
    if output is not None:
        page = _copy(page, output)
    typer.echo(page)
    typer.echo(page.as_uri())
    if in_browser and not webbrowser.open(page.as_uri()):
        typer.echo("error: no browser found: open the file yourself", err=True)
        raise typer.Exit(1)


def _copy(page: Path, output: Path) -> Path:
    """Copy the page and every file beside it; returns the path of the copied page."""
    output.mkdir(parents=True, exist_ok=True)
    for path in page.parent.iterdir():
        if path.is_file():
            shutil.copyfile(path, output / path.name)
    return (output / page.name).resolve()
