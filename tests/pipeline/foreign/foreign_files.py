"""Small files in the forms of other programs, and what an import makes of them."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pipeline.foreign.columns import NamedColumns, Role
from pipeline.foreign.formats import Wanted, recognise
from pipeline.foreign.import_files import Imported, import_files
from pipeline.foreign.staged_events import Meaning
from pipeline.tables import read_interactions, read_posts, read_users


@dataclass(frozen=True, slots=True)
class Tables:
    """The clean tables of an import, and its report."""

    posts: pd.DataFrame
    users: pd.DataFrame
    interactions: pd.DataFrame
    imported: Imported

    def events(self) -> list[tuple[str, str, str]]:
        """Username, the post's name and verb of each interaction, ascending by time."""
        usernames = self.users.set_index("user_id")["username"]
        names = self.posts.set_index("post_id")["external_id"]
        names = names.fillna(pd.Series(names.index.astype(str), index=names.index))
        return [
            (usernames[user], names[post], verb)
            for user, post, verb in zip(
                self.interactions["user_id"], self.interactions["post_id"], self.interactions["verb"], strict=True
            )
        ]

    def findings(self) -> dict[str, int]:
        return {finding.reason: finding.count for finding in self.imported.report.findings}


def write(directory: Path, files: dict[str, str], encoding: str = "utf-8") -> Path:
    """Write text files; returns the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (directory / name).write_text(text, encoding=encoding)
    return directory


def imported(
    *paths: Path,
    to: Path,
    wanted: Wanted | None = None,
    meaning: Meaning | None = None,
    accept_losses: bool = False,
) -> Tables:
    """Import files and read the tables back."""
    result = import_files(recognise(paths, wanted or Wanted()), to, meaning=meaning, accept_losses=accept_losses)
    return Tables(read_posts(to), read_users(to), read_interactions(to), result)


def named(**columns: str) -> NamedColumns:
    """Columns by the name of their role."""
    return NamedColumns({Role(role.replace("_", "-")): name for role, name in columns.items()})
