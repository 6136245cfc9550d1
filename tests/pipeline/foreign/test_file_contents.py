"""Files that are not what their names say, and paths that are no files: one line, never a wait or a wrong table."""

import bz2
import io
import lzma
import os
import sqlite3
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.foreign.errors import ImportSourceError
from pipeline.foreign.formats import Wanted, recognise
from tests.pipeline.foreign.foreign_files import imported

EVENTS = b"user,post,time\n" + b"".join(b"u%d,p%d,17583489%02d\n" % (n % 4, n % 7, n) for n in range(20))


def a_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("events.csv", EVENTS)


def a_tar(path: Path) -> None:
    with tarfile.TarFile(path, "w") as archive:
        member = tarfile.TarInfo("events.csv")
        member.size = len(EVENTS)
        archive.addfile(member, io.BytesIO(EVENTS))


def a_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE events (user)")


CONTENTS: dict[str, Callable[[Path], object]] = {
    "ZIP archive or an Excel workbook": a_zip,
    "is an Excel workbook": lambda path: path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512)),
    "bzip2: unpack it first": lambda path: path.write_bytes(bz2.compress(EVENTS)),
    "xz: unpack it first": lambda path: path.write_bytes(lzma.compress(EVENTS)),
    "Zstandard: unpack it first": lambda path: path.write_bytes(b"\x28\xb5\x2f\xfd\x20\x00"),
    "tar archive": a_tar,
    "SQLite database": a_database,
    "an Arrow file": lambda path: path.write_bytes(b"ARROW1\0\0"),
}


@pytest.mark.parametrize("name", ["events.csv", "events.xlsx", "events", "events.jsonl", "events.zst"])
@pytest.mark.parametrize("what", CONTENTS)
def test_a_file_of_another_kind_is_named_for_what_it_is(tmp_path: Path, what: str, name: str) -> None:
    CONTENTS[what](tmp_path / name)
    with pytest.raises(ImportSourceError, match=what) as raised:
        recognise([tmp_path / name], Wanted())
    assert str(raised.value).isascii()


def test_text_that_begins_like_a_packed_file_is_text(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_bytes(b"BZh,user,post\n1,ana,p\n")
    assert imported(tmp_path / "events.csv", to=tmp_path / "clean").imported.report.kept["interaction"] == 1


def test_parquet_is_read_under_another_name(tmp_path: Path) -> None:
    pq.write_table(pa.table({"user": ["ana", "bo"], "post": ["p", "q"]}), tmp_path / "events.csv")
    assert imported(tmp_path / "events.csv", to=tmp_path / "clean").imported.report.kept["interaction"] == 2


@pytest.mark.parametrize("as_posts", [False, True])
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path, as_posts: bool) -> None:
    (tmp_path / "events.csv").write_bytes(EVENTS)
    os.mkfifo(tmp_path / "movies.csv")
    program = (
        "import sys; from pathlib import Path; from pipeline.foreign.formats import Wanted, recognise; "
        "from pipeline.foreign.errors import ImportSourceError\n"
        "try: recognise([Path(sys.argv[1])], Wanted(posts=Path(sys.argv[2]) if sys.argv[2:] else None))\n"
        "except ImportSourceError as error: print(error)"
    )
    paths = [tmp_path / "events.csv", tmp_path / "movies.csv"] if as_posts else [tmp_path / "movies.csv"]
    done = subprocess.run(
        [sys.executable, "-c", program, *paths], capture_output=True, text=True, timeout=60, check=True
    )
    assert "movies.csv is a pipe or a device" in done.stdout


@pytest.mark.parametrize("mark", ["sep=;\n", "sep=;\r\n", '"sep=;"\n', "\ufeffsep=;\n"])
def test_the_line_in_which_excel_names_the_separator_is_no_header(tmp_path: Path, mark: str) -> None:
    end = b"\r\n" if "\r" in mark else b"\n"
    (tmp_path / "events.csv").write_bytes(mark.encode() + EVENTS.replace(b",", b";").replace(b"\n", end))
    assert imported(tmp_path / "events.csv", to=tmp_path / "clean").imported.report.kept["interaction"] == 20


@pytest.mark.parametrize("column", ["user", "post"])
def test_ids_that_the_database_would_round_are_refused(tmp_path: Path, column: str) -> None:
    long = pa.array([Decimal(10**30 + n) for n in range(9)], pa.decimal256(40, 0))
    columns = {"user": pa.array(range(9)), "post": pa.array(range(9)), "weight": long} | {column: long}
    pq.write_table(pa.table(columns), tmp_path / "events.parquet")
    with pytest.raises(ImportSourceError, match=f"'{column}' is a decimal of more than 38 digits.*--{column}-column"):
        recognise([tmp_path / "events.parquet"], Wanted())


def test_long_decimals_are_ids_up_to_38_digits_and_other_columns_may_be_longer(tmp_path: Path) -> None:
    numbers = [Decimal(10**37 + n) for n in range(9)]
    columns = {
        "user": pa.array(range(9)),
        "post": pa.array(numbers, pa.decimal128(38, 0)),
        "weight": pa.array(numbers, pa.decimal256(50, 2)),
    }
    pq.write_table(pa.table(columns), tmp_path / "events.parquet")
    assert imported(tmp_path / "events.parquet", to=tmp_path / "clean").imported.report.kept["post"] == 9


def test_a_table_without_columns_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({}), tmp_path / "events.parquet")
    with pytest.raises(ImportSourceError, match="has no columns"):
        recognise([tmp_path / "events.parquet"], Wanted())
