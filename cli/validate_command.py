"""`moodfeed validate`: a report on the clean tables before training."""

from pathlib import Path
from typing import Annotated

import typer

from cli.feed_commands import BundlesOption
from cli.pipeline_commands import DataOption
from pipeline.workspace import Workspace


def validate(
    data: DataOption = Path("data"),
    bundles: BundlesOption = Path("bundles"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Check the clean tables: types, ranges, duplicates, impossible activity, drift against the current bundle.

    The exit code is 1 if there is an error; an error also stops `build`. Warnings stop nothing.
    """
    from cli.validation import published_bundle, show_report
    from pipeline.validate import validate as validate_tables

    clean = Workspace(data).clean
    report = validate_tables(clean, published=published_bundle(bundles))
    if as_json:
        typer.echo(report.as_json(), nl=False)
    else:
        show_report(report, clean)
    if report.errors:
        raise typer.Exit(1)
