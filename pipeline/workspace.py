"""The files that each stage reads and writes under one data directory."""

import json
from dataclasses import dataclass
from pathlib import Path

REPORT_FILE = "report.json"  # beside the clean tables: what was kept and what was left out
IMPORTED = "imported"  # its key for the files that `moodfeed import` read


@dataclass(frozen=True, slots=True)
class Workspace:
    """The paths of the pipeline's files below ``directory``."""

    directory: Path

    @property
    def raw(self) -> Path:
        """SQLite store of the fetched rows."""
        return self.directory / "raw.sqlite"

    @property
    def forgotten(self) -> Path:
        """Hashes of forgotten people and posts."""
        return self.directory / "forgotten.json"

    @property
    def clean(self) -> Path:
        """Directory of posts.parquet, users.parquet and interactions.parquet."""
        return self.directory / "clean"

    @property
    def is_imported(self) -> bool:
        """Whether the clean tables were made by `moodfeed import`, not from the raw store."""
        return IMPORTED in _read_json(self.clean / REPORT_FILE)

    @property
    def scores(self) -> Path:
        """One strength per (user, post)."""
        return self.directory / "scores.parquet"

    @property
    def text_cache(self) -> Path:
        """Text embeddings, keyed by text."""
        return self.directory / "text_cache.sqlite"

    @property
    def text_embeddings(self) -> Path:
        """Text embeddings of the clean posts."""
        return self.directory / "text_embeddings.safetensors"

    def towers(self, objective: str) -> Path:
        """Directory of the towers trained with an objective."""
        return self.directory / "towers" / objective

    def checkpoint(self, objective: str) -> Path:
        """State of a training run that can be resumed."""
        return self.directory / "checkpoints" / f"{objective}.safetensors"

    @property
    def evaluation_towers(self) -> Path:
        """Directory of the towers that evaluations trained on the past of months, and of states of interrupted ones."""
        return self.directory / "evaluation_towers"

    @property
    def published(self) -> Path:
        """Which tables the bundle that was published last is made of, as JSON."""
        return self.directory / "published.json"

    @property
    def live_evaluation(self) -> Path:
        """The live evaluation as JSON."""
        return self.directory / "live_evaluation.json"

    @property
    def evaluation(self) -> Path:
        """The evaluation as JSON."""
        return self.directory / "evaluation.json"


def _read_json(path: Path) -> dict[str, object]:
    """A JSON object; an empty one if there is none."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
