"""What `moodfeed validate` found in the clean tables."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import TypeAdapter, ValidationError

from pipeline.whole_files import write_whole_text

VALIDATION_FILE = "validation.json"


class Level(StrEnum):
    """An error stops a build; a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of a table: the number of rows (or people, or posts) with it, ``of`` how many, and an example."""

    level: Level
    table: str
    what: str
    count: int
    of: int
    example: str


@dataclass(frozen=True, slots=True)
class Missing:
    """The number of rows ``of`` a table whose column is null or an empty text."""

    table: str
    column: str
    count: int
    of: int


@dataclass(frozen=True, slots=True)
class Range:
    """The lowest and the highest value of a column, as texts; moments in UTC."""

    table: str
    column: str
    low: str
    high: str


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """The rows of each table, its missing values, its ranges, and every finding, errors first.

    ``compared_with`` is the id of the published bundle whose data the tables were compared with; None if there is none.
    Activity and drift were measured on the events of ``one_person_in`` so many.
    """

    rows: Mapping[str, int]
    missing: tuple[Missing, ...]
    ranges: tuple[Range, ...]
    findings: tuple[Finding, ...]
    compared_with: str | None = None
    one_person_in: int = 1

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that stop a build."""
        return tuple(item for item in self.findings if item.level is Level.ERROR)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings that do not stop a build."""
        return tuple(item for item in self.findings if item.level is Level.WARNING)

    def as_json(self) -> str:
        """The report as a JSON document."""
        document = asdict(self) | {"errors": len(self.errors), "warnings": len(self.warnings)}
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"

    def write(self, directory: Path) -> None:
        """Replace validation.json in one step."""
        write_whole_text(directory / VALIDATION_FILE, self.as_json())

    @classmethod
    def read(cls, directory: Path) -> Self | None:
        """Read what ``write`` wrote; None if there is no file, or one that cannot be read."""
        try:
            return TypeAdapter(cls).validate_json((directory / VALIDATION_FILE).read_bytes())
        except (FileNotFoundError, ValidationError):
            return None
