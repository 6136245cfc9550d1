"""Substitutes for missing titles, for the terminal only: no process serves them, and a bundle may lack the file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bundle.file_names import STAND_IN_TITLES
from bundle.manifest import BundleError, read_manifest
from bundle.text_files import read_lines, write_lines


@dataclass(frozen=True, slots=True)
class StandInTitle:
    """The keywords, or the beginning of the description, of a post without a title."""

    post_id: int
    text: str


def write_stand_in_titles(directory: Path, titles: Iterable[StandInTitle]) -> None:
    """Write the file into the directory of a new bundle."""
    write_lines(directory / STAND_IN_TITLES, titles)


def read_stand_in_titles(bundle_directory: Path) -> Mapping[int, str]:
    """Texts by post id; empty if there is no such bundle on this machine, or it lacks the file.

    Hashes are not verified, because that takes a second, and a wrong text affects only the terminal.
    """
    try:
        if STAND_IN_TITLES not in read_manifest(bundle_directory).files:
            return {}
        return {line.post_id: line.text for line in read_lines(bundle_directory / STAND_IN_TITLES, StandInTitle)}
    except (BundleError, OSError):
        return {}
