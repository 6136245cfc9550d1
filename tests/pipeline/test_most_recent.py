"""Which directories are kept, also where the clock tells two uses not apart."""

import os
from pathlib import Path

from pipeline.most_recent import forget_least_recent, note_use


def test_the_directories_that_were_used_last_are_kept(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in "abcd"]
    for path in paths:
        path.mkdir()
    for path in (*paths, paths[0]):
        note_use(path)
    forget_least_recent(paths, most=2, used_now=paths[0])
    assert {path.name for path in tmp_path.iterdir()} == {"a", "d"}


def test_what_is_used_now_is_kept_whatever_the_times_say(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in "abc"]
    for time, path in zip((5, 5, 9), paths, strict=True):
        path.mkdir()
        os.utime(path, (time, time))
    for path in (paths[0], paths[1]):
        forget_least_recent(paths, most=3, used_now=path)
    forget_least_recent(paths, most=1, used_now=paths[1])
    assert {path.name for path in tmp_path.iterdir()} == {"b"}


def test_a_directory_that_another_process_removed_meanwhile_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    forget_least_recent([tmp_path / "gone", tmp_path / "a"], most=1, used_now=tmp_path / "a")
    assert {path.name for path in tmp_path.iterdir()} == {"a"}
