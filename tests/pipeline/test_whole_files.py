import stat
from pathlib import Path

import pytest

from pipeline.whole_files import whole_file, write_whole_text
from tests.recorded_disk import recorded_disk


def test_the_bytes_reach_the_disk_before_the_name_and_the_name_before_the_directory_entry(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    with recorded_disk() as calls:
        write_whole_text(path, "new")
    temporary = tmp_path / ".table.json.incomplete"
    assert calls == [("sync", temporary), ("rename", temporary, path), ("sync", tmp_path)]
    assert path.read_text(encoding="utf-8") == "new"


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    write_whole_text(path, "old")

    def fail(temporary: Path) -> None:
        temporary.write_text("half of the n", encoding="utf-8")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"), whole_file(path) as temporary:
        fail(temporary)
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_crash_left_behind_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / ".table.json.incomplete").write_text("a long leftover", encoding="utf-8")
    write_whole_text(tmp_path / "table.json", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["table.json"]
    assert (tmp_path / "table.json").read_text(encoding="utf-8") == "new"


def test_a_private_file_is_private_from_its_first_byte(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text("old, readable to all", encoding="utf-8")
    with whole_file(path, mode=0o600) as temporary:
        assert stat.S_IMODE(temporary.stat().st_mode) == 0o600
        temporary.write_text("secret", encoding="utf-8")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
