"""Show the validation of the clean tables, and run it as a stage before training."""

from collections.abc import Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from bundle.directory import Bundle, current_bundle, open_bundle
from bundle.manifest import BundleError
from cli.progress import console
from cli.terminal_text import printable
from pipeline.table_checks import TABLES
from pipeline.tables import column_types
from pipeline.validate import refuse_errors, validate
from pipeline.validation_report import VALIDATION_FILE, Finding, Level, ValidationReport
from pipeline.workspace import Workspace

_STYLES = {Level.ERROR: "bold red", Level.WARNING: "yellow"}


def published_bundle(bundles: Path) -> Bundle | None:
    """The current bundle, to compare with; None if there is none that can be read."""
    try:
        return open_bundle(current_bundle(bundles))
    except BundleError:
        return None


def validate_stage(workspace: Workspace, bundles: Path, *, accept_invalid: bool = False) -> ValidationReport:
    """Print errors and warnings; InvalidTablesError for errors, unless ``accept_invalid``."""
    with console.status("validate"):
        report = validate(workspace.clean, published=published_bundle(bundles))
    _show_findings(report, workspace.clean)
    if not accept_invalid:
        refuse_errors(report, workspace.clean)
    return report


def show_report(report: ValidationReport, clean: Path) -> None:
    """The missing values and the ranges of every column, and the findings."""
    missing = {(item.table, item.column): item for item in report.missing}
    ranges = {(item.table, item.column): item for item in report.ranges}
    table = _table("table", "column", "missing", "lowest", "highest")
    columns = [(name, column) for name, file in TABLES.items() for column in column_types(file)]
    for key in (key for key in columns if key in missing or key in ranges):
        share = f"{missing[key].count / missing[key].of:.1%}" if key in missing else "–"
        bounds = (_short(ranges[key].low), _short(ranges[key].high)) if key in ranges else ("", "")
        table.add_row(*key, share, *bounds)
    console.print(table)
    _show_findings(report, clean)


def _show_findings(report: ValidationReport, clean: Path) -> None:
    for finding in report.findings:
        console.print(_line(finding), soft_wrap=True)
    rows = ", ".join(f"{count:,} {name}s" for name, count in report.rows.items())
    compared = (
        f"compared with bundle {report.compared_with[:12]}" if report.compared_with else "no bundle to compare with"
    )
    sampled = f", activity of one person in {report.one_person_in}" if report.one_person_in > 1 else ""
    console.print(
        f"Validated {rows}: {_counted(report.errors, 'error')}, {_counted(report.warnings, 'warning')} ({compared}"
        f"{sampled}); the report is {clean / VALIDATION_FILE}.",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )


def _line(finding: Finding) -> Text:
    count = f" ({finding.count:,} of {finding.of:,})" if finding.of > 1 else ""
    example = f", for example {finding.example}" if finding.example else ""
    said = printable(f" {finding.table}: {finding.what}{count}{example}")
    return Text.assemble((f"{finding.level}:", _STYLES[finding.level]), said)


def _counted(findings: Sequence[Finding], name: str) -> str:
    return f"{len(findings)} {name}{'' if len(findings) == 1 else 's'}"


def _short(value: str) -> str:
    """Moments to the minute."""
    return value[:16] if ":" in value else value


def _table(*headings: str) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in headings:
        table.add_column(heading, justify="left" if heading in {"table", "column"} else "right")
    return table
