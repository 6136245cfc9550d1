"""Check the clean tables before training: rows, activity, and drift from the published bundle."""

from pathlib import Path

import pyarrow as pa

from bundle.directory import Bundle
from bundle.manifest import BundleError
from pipeline.drift import DataProfile, drift, profile_of_bundle, profile_of_tables
from pipeline.impossible_activity import impossible_activity
from pipeline.table_checks import TABLES, TableSummary, check_table
from pipeline.tables import TableError
from pipeline.validation_report import Finding, Level, ValidationReport

_KEPT_COLUMNS = {
    "post": ("post_id", "category_id", "created_at", "is_servable"),
    "user": ("user_id", "answers"),
    "interaction": ("user_id", "post_id", "verb", "at"),
}


class InvalidTablesError(Exception):
    """The clean tables have errors: names the first one and what to do."""


def validate(clean_directory: Path, *, published: Bundle | None = None) -> ValidationReport:
    """Check the clean tables and write validation.json beside them; ``published`` is the bundle to compare with.

    TableError if a table is missing or is not Parquet. Activity and drift are measured only where every row has the
    right types.
    """
    tables = {name: _read(name, clean_directory) for name in TABLES}
    findings = [finding for table in tables.values() for finding in table.findings]
    columns = {name: table.columns for name, table in tables.items()}
    if all(len(columns[name]) == len(_KEPT_COLUMNS[name]) or not tables[name].rows for name in TABLES):
        findings += _across_tables(tables, published)
    report = ValidationReport(
        rows={name: table.rows for name, table in tables.items()},
        missing=tuple(item for table in tables.values() for item in table.missing),
        ranges=tuple(item for table in tables.values() for item in table.ranges),
        findings=tuple(sorted(findings, key=lambda finding: finding.level)),
        compared_with=published.bundle_id if published else None,
        one_person_in=tables["interaction"].one_person_in,
    )
    report.write(clean_directory)
    return report


def refuse_errors(report: ValidationReport, clean_directory: Path) -> None:
    """InvalidTablesError if there are errors."""
    if not report.errors:
        return
    first = report.errors[0]
    example = f", for example {first.example}" if first.example else ""
    more = f", and {len(report.errors) - 1} more" if len(report.errors) > 1 else ""
    raise InvalidTablesError(
        f"{clean_directory}: {first.table}: {first.what} ({first.count} of {first.of}{example}){more}: "
        "training is refused; `moodfeed validate` lists all findings, "
        "and `moodfeed build --accept-invalid` trains anyway"
    )


def _read(name: str, directory: Path) -> TableSummary:
    path = directory / TABLES[name]
    try:
        return check_table(name, directory, keep=_KEPT_COLUMNS[name])
    except FileNotFoundError:
        raise TableError(f"{path} is missing: run `moodfeed clean`, or `moodfeed import`") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise TableError(f"{path} cannot be read as Parquet: {error}") from error


def _across_tables(tables: dict[str, TableSummary], published: Bundle | None) -> list[Finding]:
    posts, users, events = (tables[name].columns for name in ("post", "user", "interaction"))
    if not tables["post"].rows:
        return [Finding(Level.ERROR, "post", "there are no posts", 0, 0, "")]
    findings = []
    servable = posts["is_servable"].astype(bool)
    if not servable.any():
        what = "no post can be served: each is locked, not public or without a video"
        findings.append(Finding(Level.ERROR, "post", what, len(servable), len(servable), ""))
    if not tables["interaction"].rows:
        findings.append(
            Finding(Level.WARNING, "interaction", "there are no interactions: feeds are not personal", 0, 0, "")
        )
        return findings
    if tables["user"].rows:
        findings += impossible_activity(events, posts, users, total=tables["interaction"].rows)
    else:
        findings.append(Finding(Level.ERROR, "interaction", "there are interactions but no users", 1, 1, ""))
    if published and tables["user"].rows:
        profile = profile_of_tables(events, posts, users, total=tables["interaction"].rows)
        findings += _drift_from(published, profile)
    return findings


def _drift_from(published: Bundle, profile: DataProfile) -> tuple[Finding, ...]:
    """Drift from the published bundle; a warning if the bundle is damaged, because a new one can still be made."""
    try:
        return drift(profile, profile_of_bundle(published))
    except BundleError as error:
        what = f"the published bundle cannot be read, so drift was not measured: {error}"
        return (Finding(Level.WARNING, "drift", what, 1, 1, ""),)
