"""Files as people break them: stray quotes, missing values, lists, encodings, unclear columns and directories."""

import csv
import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.foreign.columns import Role
from pipeline.foreign.errors import ImportSourceError
from pipeline.foreign.formats import Wanted, recognise
from pipeline.foreign.ids import same_id
from pipeline.foreign.text_files import copy_in_utf8
from pipeline.foreign.unclosed_quotes import Quoting, copy_whole_records
from pipeline.spilling_database import one_row, small_database
from tests.pipeline.foreign.foreign_files import Tables, imported, named, write

HEADER = "user,post,verb,time\n"
GOOD = [f"u{number},p{number},view,17583489{number:02}" for number in range(20)]
NO_PERSON, NO_POST = "no person: dropped", "no post: dropped"


def imported_lines(tmp_path: Path, lines: list[str], end: str = "\n", posts: str | None = None) -> Tables:
    files = {"events.csv": HEADER.replace("\n", end) + "".join(line + end for line in lines)}
    write(tmp_path / "in", files | ({"posts.csv": posts} if posts else {}))
    return imported(tmp_path / "in", to=tmp_path / "clean", accept_losses=True)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("broken", "malformed", "others"),
    [
        ({5: 'u5,"p5,view,1758348905'}, 1, 0),
        ({5: 'u5,"p5,view,1758348905', 9: 'u9,p9,"view,1758348909'}, 2, 0),
        ({5: 'u5,"p5,view,1758348905', 9: 'u9,p"9,view,1758348909'}, 1, 0),
        ({5: 'u5,"p5,view,1758348905', 9: '"u9",p9,view,1758348909'}, 1, 0),
        ({5: 'u5,"p5,view,1758348905', 9: 'u9,p9,view",1758348909'}, 1, 1),
        ({5: 'u5,p5,view,"1758348905', 9: 'u9,p9,view,1758348909"'}, 1, 1),
        ({19: 'u19,p19,view,"1758348919'}, 1, 0),
        ({0: '"u0,p0,view,1758348900'}, 1, 0),
        ({5: 'u5,"p"5,view,1758348905'}, 1, 0),
    ],
)
def test_a_stray_quote_costs_its_own_line_and_no_other(
    tmp_path: Path, broken: dict[int, str], malformed: int, others: int, end: str
) -> None:
    tables = imported_lines(tmp_path, [broken.get(number, line) for number, line in enumerate(GOOD)], end)
    assert tables.findings()["malformed line: dropped"] == malformed
    assert sum(tables.findings().values()) == malformed + others == 20 - len(tables.interactions)
    assert tables.imported.report.findings[0].examples[0].startswith(f"line {min(broken) + 2} (")


def test_a_text_over_several_lines_is_one_row_even_where_another_line_is_broken(tmp_path: Path) -> None:
    posts = 'id,title\np0,"A dog\nin the ""park"""\np1,"open\np2,A cat\np3,"A, bird"\n'
    tables = imported_lines(tmp_path, GOOD[:1], posts=posts)
    assert tables.posts["title"].tolist() == ['A dog\nin the "park"', "A cat", "A, bird"]
    assert tables.findings() == {"malformed line: dropped": 1}


FIELDS = st.text(st.sampled_from('ab"\n, 1'), max_size=4)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.tuples(FIELDS, FIELDS), max_size=6),
    st.lists(st.sampled_from(['a,"b', '"a,b', 'a,"b"c', 'a"', '"']), max_size=4),
)
def test_whole_records_stay_and_every_other_line_is_counted(rows: list[tuple[str, str]], broken: list[str]) -> None:
    plain = [f"x{number},y" for number in range(len(broken))]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    lines = [line for pair in zip(broken, plain, strict=True) for line in pair]
    with TemporaryDirectory() as directory:
        source, copy = Path(directory) / "source", Path(directory) / "copy"
        source.write_text("h,h\n" + text.getvalue() + "".join(f"{line}\n" for line in lines), encoding="utf-8")
        quoting = Quoting(",", '"', fields=2, lines_before=1)
        # Without broken lines, a field may hold ends of lines; with them, none of the two may.
        found = copy_whole_records(source, quoting, copy, one_line=[0, 1] if broken else [])
        kept = [row for row in csv.reader(io.StringIO(copy.read_text(encoding="utf-8"))) if row][1:]
    if broken:
        assert found.count >= len(broken)
        assert [row for row in kept if row[0].startswith("x")] == [line.split(",") for line in plain]
    else:
        assert found.count == 0
        assert [tuple(row) for row in kept] == rows


MISSING = ["", " ", "\\N", "NULL", "null", "NaN", "nan", "None", "NA", "N/A", "<NA>", "undefined", "\u00a0"]


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_missing_id_is_no_name(tmp_path: Path, form: str) -> None:
    events = [{"user": f"u{number}", "post": f"p{number}"} for number in range(3)]
    events += [{"user": missing, "post": "p1"} for missing in MISSING]
    events += [{"user": "u1", "post": missing} for missing in MISSING]
    posts = [{"id": f"p{number}", "title": "\\N"} for number in range(3)] + [{"id": word} for word in MISSING]
    people = [{"user": f"v{number}"} for number in range(3)] + [{"user": word} for word in MISSING]
    (tmp_path / "in").mkdir()
    for name, rows in (("events", events), ("posts", posts), ("users", people)):
        table, file = pd.DataFrame(rows), tmp_path / "in" / f"{name}.{form}"
        if form == "csv":
            table.to_csv(file, index=False)
        elif form == "parquet":
            table.to_parquet(file)
        else:
            table.to_json(file, orient="records", lines=True)
    tables = imported(tmp_path / "in", to=tmp_path / "clean", accept_losses=True)
    assert set(tables.users["username"]) == {"u0", "u1", "u2", "v0", "v1", "v2"}
    assert set(tables.posts["external_id"]) == {"p0", "p1", "p2"}
    assert tables.posts["title"].tolist() == ["", "", ""]
    counts = {(finding.table, finding.reason): finding.count for finding in tables.imported.report.findings}
    blank = 1 if form == "csv" else 0  # pandas writes an empty text of a table of one column as ""
    assert counts[("interaction", NO_PERSON)] == counts[("interaction", NO_POST)] == len(MISSING)
    assert counts[("post", NO_POST)] == len(MISSING)
    assert counts[("user", NO_PERSON)] in {len(MISSING), len(MISSING) - blank}


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_null_and_nan_are_missing_ids(tmp_path: Path, form: str) -> None:
    people = [7.0, None, float("nan"), 8.0, 9.0]
    file = tmp_path / f"events.{form}"
    if form == "jsonl":
        rows = [f'{{"user": {"null" if user is None else json.dumps(user)}, "post": 1}}' for user in people]
        file.write_text("\n".join([*rows, '{"post": 1}']) + "\n", encoding="utf-8")
    else:
        pd.DataFrame({"user": [*people, np.nan], "post": [1] * 6}).to_parquet(file)
    tables = imported(file, to=tmp_path / "clean", accept_losses=True)
    assert tables.users["username"].tolist() == ["7", "8", "9"]
    assert sum(tables.findings().values()) == 3


@settings(deadline=None, max_examples=150)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12))
@example("ann ")
@example("Nan")
def test_an_id_has_no_blanks_around_it(text: str) -> None:
    with small_database() as connection:
        query = f"SELECT {same_id('t')}, {same_id('u')} FROM (SELECT $1::VARCHAR AS t, $2::VARCHAR AS u)"
        first, second = one_row(connection, query, [text, f" \t{text}\u00a0"])
    assert first == second
    assert first is None or first == first.strip(" \t\n\u00a0") != ""


def test_blanks_around_ids_make_no_second_person(tmp_path: Path) -> None:
    tables = imported_lines(
        tmp_path, ["ann,p1,view,1758348933", "ann ,p2,view,1758348934", '" ann",p3,view,1758348935']
    )
    assert tables.users["username"].tolist() == ["ann"]


@pytest.mark.parametrize("role", ["user", "post"])
@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_a_column_of_lists_is_no_id(tmp_path: Path, form: str, role: str) -> None:
    table = pd.DataFrame([{"user": "a", "post": "p"} | {role: ["a", "b"]}])
    file = tmp_path / f"events.{form}"
    table.to_parquet(file) if form == "parquet" else table.to_json(file, orient="records", lines=True)
    with pytest.raises(
        ImportSourceError, match=f"the column '{role}' holds lists, but the {role} is one value per row"
    ):
        recognise([file], Wanted())


def test_a_column_of_objects_is_no_id(tmp_path: Path) -> None:
    pd.DataFrame([{"user": {"first": "a", "last": "b"}, "post": "p"}]).to_parquet(tmp_path / "events.parquet")
    with pytest.raises(ImportSourceError, match=r"no column 'user'; the columns are user\.first, user\.last, post"):
        recognise([tmp_path / "events.parquet"], Wanted(interaction_columns=named(user="user")))


def test_a_list_in_one_row_alone_is_counted(tmp_path: Path) -> None:
    rows = [json.dumps({"user": f"u{number}", "post": "p"}) for number in range(1_100)]
    rows += ['{"user": ["a", "b"], "post": "p"}', '{"user": "a\\nb", "post": "p"}']
    file = write(tmp_path / "in", {"events.jsonl": "\n".join(rows) + "\n"}) / "events.jsonl"
    tables = imported(file, to=tmp_path / "clean")
    assert tables.findings() == {"an id that is a list or holds the end of a line: dropped": 2}


def test_lines_that_are_no_objects_are_counted_as_malformed(tmp_path: Path) -> None:
    rows = ['{"user": "a", "post": "p"}'] * 3 + ["{", "[1]", "null", '"text"', '{"user": "a", "post"', "7"]
    files = {"events.jsonl": "\n".join(rows) + "\n", "posts.jsonl": '{"id": "p"}\n{"id": \n{"id": "q"}\n'}
    tables = imported(write(tmp_path / "in", files), to=tmp_path / "clean", accept_losses=True)
    counts = {(finding.table, finding.reason): finding.count for finding in tables.imported.report.findings}
    assert counts[("interaction", "malformed line: dropped")] == 6
    assert counts[("post", "malformed line: dropped")] == 1
    assert len(tables.posts) == 2


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "utf-16", "utf-16-le", "shift_jis", "cp1251"])
def test_a_file_in_another_encoding_is_read_with_the_option_and_refused_without(
    tmp_path: Path, encoding: str, form: str
) -> None:
    name = {"shift_jis": "\u30a2\u30f3", "cp1251": "\u0410\u043d\u043d\u0430", "cp1252": "Zo\u00eb \u20ac"}.get(
        encoding, "Zo\u00eb"
    )
    rows = [(f"u{number}", "p") for number in range(9)] + [(name, "p")]
    text = (
        "user,post\n" + "".join(f"{user},{post}\n" for user, post in rows)
        if form == "csv"
        else "".join(json.dumps({"user": user, "post": post}, ensure_ascii=False) + "\n" for user, post in rows)
    )
    file = tmp_path / f"events.{form}"
    file.write_bytes(text.encode(encoding))
    if encoding != "utf-16":  # its byte order mark says what it is
        with pytest.raises(ImportSourceError, match=r"line \d+.*--encoding") as raised:
            imported(file, to=tmp_path / "clean")
        if encoding != "utf-16-le":
            assert f"line {11 if form == 'csv' else 10}" in str(raised.value)
    tables = imported(file, to=tmp_path / "clean", wanted=Wanted(encoding=encoding))
    assert name in set(tables.users["username"])


def test_bytes_that_are_not_in_the_named_encoding_are_found(tmp_path: Path) -> None:
    source = tmp_path / "events.csv"
    source.write_bytes(b"user,post\n" + b"a,p\n" * 300_000 + b"a\x81,p\n")
    with pytest.raises(ImportSourceError, match=r"line 300002 is not cp1252 .* name the encoding .* with --encoding"):
        copy_in_utf8(source, "cp1252", tmp_path / "copy")


@pytest.mark.parametrize("other", ["post", "time", "verb"])
def test_one_column_cannot_be_two_things(tmp_path: Path, other: str) -> None:
    source = write(tmp_path / "in", {"events.csv": HEADER})
    with pytest.raises(ImportSourceError, match=f"'user' cannot be both the user and the {other}: .*--{other}-column"):
        recognise([source], Wanted(interaction_columns=named(**{"user": "user", other: "user"})))


def test_a_directory_is_recognised_by_the_columns_of_its_files(tmp_path: Path) -> None:
    files = {
        "ev.csv": "uid,asin,ts\na,p1,1758348933\n",
        "catalogue.csv": "asin,headline\np1,A dog\n",
        "notes.txt": "read me first\n",
    }
    source = recognise([write(tmp_path / "in", files)], Wanted())
    assert source.interactions.table.path.name == "ev.csv"
    assert source.posts is not None
    assert source.posts.table.path.name == "catalogue.csv"
    assert source.posts.has(Role.TITLE)


def test_posts_that_name_their_owner_are_not_taken_for_interactions(tmp_path: Path) -> None:
    files = {"ev.csv": "user,post\na,p1\n", "posts.csv": "post,user,title\np1,b,A dog\n"}
    source = recognise([write(tmp_path / "in", files)], Wanted())
    assert source.interactions.table.path.name == "ev.csv"


def test_a_directory_of_two_files_of_interactions_says_which_files_and_columns_it_holds(tmp_path: Path) -> None:
    source = write(tmp_path / "in", {"x.csv": "user,post\na,p\n", "y.csv": "user,post,time\na,p,1\n"})
    with pytest.raises(
        ImportSourceError,
        match=r"the files x\.csv, y\.csv all .* Found: x\.csv \(columns user, post\); y\.csv \(columns user, post, ti",
    ):
        recognise([source], Wanted())
