"""Substitutes for missing titles, for the terminal and the explorer; a bundle may lack the file."""

import mmap
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

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

    Hashes are not verified, because that takes a second, and a wrong text affects only what a person reads.
    """
    try:
        if STAND_IN_TITLES not in read_manifest(bundle_directory).files:
            return {}
        return {line.post_id: line.text for line in read_lines(bundle_directory / STAND_IN_TITLES, StandInTitle)}
    except (BundleError, OSError):
        return {}


def find_stand_in_titles(bundle_directory: Path, post_ids: Iterable[int]) -> Mapping[int, str]:
    """Those of some posts alone, by binary search in the file: nothing is kept in memory. Otherwise the same."""
    try:
        with (bundle_directory / STAND_IN_TITLES).open("rb") as file:
            if not os.fstat(file.fileno()).st_size:  # which cannot be mapped
                return {}
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as lines:
                found = ((post_id, _find(lines, post_id)) for post_id in post_ids)
                return {post_id: text for post_id, text in found if text is not None}
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        return {}


def _find(lines: mmap.mmap, post_id: int) -> str | None:
    """The text of a post; the lines ascend by the ids of the posts."""
    low, high = 0, len(lines)
    while low < high:
        middle = (low + high) // 2
        start = lines.rfind(b"\n", low, middle) + 1 or low
        end = lines.find(b"\n", middle)
        end = len(lines) if end < 0 else end
        row = orjson.loads(lines[start:end])
        if row["post_id"] == post_id:
            return str(row["text"])
        low, high = (end + 1, high) if row["post_id"] < post_id else (low, start)
    return None
