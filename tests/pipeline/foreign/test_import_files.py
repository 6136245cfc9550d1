"""What an import refuses, counts and keeps."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from pipeline.foreign.errors import ImportSourceError
from pipeline.foreign.formats import Wanted, recognise
from pipeline.foreign.import_files import import_files
from pipeline.foreign.staged_events import MALFORMED_TIME, Meaning
from pipeline.foreign.verb_words import read_verb_options
from pipeline.tables import is_timed, read_interactions
from pipeline.workspace import Workspace
from tests.pipeline.foreign.foreign_files import imported, named, write

GOOD = "".join(f"anna,p{number},view,17583489{number:02}\n" for number in range(20))
HEADER = "user,post,verb,time\n"


@pytest.mark.parametrize(
    ("line", "reason", "example"),
    [
        (",p1,view,1758348933", "no person", "row 21"),
        ("  ,p1,view,1758348933", "no person", "row 21"),
        ("anna,,view,1758348933", "no post", "row 21"),
        ("anna,p1,fry,1758348933", "unknown verb (map it with --verb WORD=VERB)", "row 21 (fry)"),
        ("anna,p1,view,", MALFORMED_TIME, "row 21"),
        ("anna,p1,view,yesterday", MALFORMED_TIME, "row 21 (yesterday)"),
        ("anna,p1,view,0", MALFORMED_TIME, "row 21 (0)"),
        ("anna,p1,view,2099-01-01", "in the future", "row 21 (2099-01-01)"),
        ("anna,p1", "malformed line", "line 22 (anna,p1)"),
        ("anna,p1,view,1758348933,x", "malformed line", "line 22 (anna,p1,view,1758348933,x)"),
    ],
)
def test_a_refused_row_is_counted_with_its_reason_and_an_example(
    tmp_path: Path, line: str, reason: str, example: str
) -> None:
    source = write(tmp_path / "in", {"events.csv": HEADER + GOOD + line + "\n"})
    tables = imported(source, to=tmp_path / "clean")
    assert len(tables.interactions) == 20
    document = json.loads((tmp_path / "clean" / "report.json").read_text(encoding="utf-8"))
    assert document["findings"] == [
        {"table": "interaction", "reason": f"{reason}: dropped", "count": 1, "examples": [example]}
    ]


def test_every_row_is_kept_or_accounted_for(tmp_path: Path) -> None:
    lines = [
        ",p1,view,1758348933",
        "anna,p1,fry,1758348933",
        "a",
        "anna,p3,view,1758348903",
        "anna,zzz,view,1758348933",
    ]
    source = write(
        tmp_path / "in",
        {
            "events.csv": HEADER + GOOD + "\n".join(lines) + "\n",
            "posts.csv": "id,title\n" + "".join(f"p{number},t\n" for number in range(20)),
        },
    )
    tables = imported(source, to=tmp_path / "clean")
    assert len(tables.interactions) + sum(tables.findings().values()) == 25
    assert tables.findings()["duplicate user, post and moment: kept once"] == 1
    assert tables.findings()["unknown post: dropped"] == 1


def test_a_table_that_loses_more_than_half_for_one_reason_is_refused_and_the_old_tables_stay(tmp_path: Path) -> None:
    clean = tmp_path / "clean"
    imported(write(tmp_path / "old", {"events.csv": HEADER + GOOD}), to=clean)
    before = {path.name: path.read_bytes() for path in clean.iterdir()}
    source = write(
        tmp_path / "new", {"events.csv": HEADER + "anna,p1,view,0\nanna,p2,view,0\nanna,p1,view,1758348933\n"}
    )
    with pytest.raises(ImportSourceError, match=r"2 of 3 rows would be dropped for one reason") as raised:
        imported(source, to=clean)
    assert "(malformed time (accepted are 1758348933, 2025-09-20 06:15:33 or 20 Sep 2025): dro" in str(raised.value)
    assert ", for example row 1 (0)); the tables in" in str(raised.value)
    assert "are unchanged; --accept-losses imports the other rows" in str(raised.value)
    assert {path.name: path.read_bytes() for path in clean.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    assert len(imported(source, to=clean, accept_losses=True).interactions) == 1


def test_posts_that_lose_more_than_half_are_refused_by_their_file(tmp_path: Path) -> None:
    source = write(tmp_path / "in", {"events.csv": HEADER + GOOD, "posts.csv": "id,title\n,a\n,b\np1,c\n"})
    with pytest.raises(ImportSourceError, match=r"posts\.csv: 2 of 3 rows would be dropped"):
        imported(source, to=tmp_path / "clean")


def test_a_file_of_which_nothing_is_left_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path / "in", {"events.csv": HEADER})
    with pytest.raises(ImportSourceError, match="no interaction can be imported"):
        imported(source, to=tmp_path / "clean")
    assert not (tmp_path / "clean").exists()


def test_a_dry_run_reads_everything_and_writes_nothing(tmp_path: Path) -> None:
    source = write(tmp_path / "in", {"events.csv": HEADER + GOOD + ",p1,view,1758348933\n"})
    report = import_files(recognise([source], Wanted()), tmp_path / "data" / "clean", is_dry_run=True).report
    assert report.kept["interaction"] == 20
    assert [finding.count for finding in report.findings] == [1]
    assert not (tmp_path / "data").exists()


def test_a_dry_run_needs_no_directory_that_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(tmp_path / "in", {"events.csv": HEADER + GOOD})
    (tmp_path / "data").mkdir()
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write everywhere
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "in"))
    report = import_files(recognise([source], Wanted()), tmp_path / "data" / "clean", is_dry_run=True).report
    assert report.kept["interaction"] == 20
    assert list((tmp_path / "data").iterdir()) == []
    assert [file.name for file in source.iterdir()] == ["events.csv"]


def test_a_workspace_knows_that_its_tables_were_imported(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "data")
    assert not workspace.is_imported
    imported(write(tmp_path / "in", {"events.csv": HEADER + GOOD}), to=workspace.clean)
    assert workspace.is_imported


def test_ids_of_people_and_posts_stay_what_they_are_called(tmp_path: Path) -> None:
    names = ["Anna", "anna", "a b", "ünï", "o'brien", "12", "007", "a@b.c", 'say "x"']
    rows = [{"user": name, "post": f"post {name}", "time": 1758348933} for name in names]
    (tmp_path / "in").mkdir()
    pd.DataFrame(rows).to_csv(tmp_path / "in" / "events.csv", index=False)
    tables = imported(tmp_path / "in", to=tmp_path / "clean")
    assert set(tables.users["username"]) == set(names)
    assert {(user, post) for user, post, _ in tables.events()} == {(name, f"post {name}") for name in names}


def test_an_integer_is_the_same_post_however_each_file_writes_it(tmp_path: Path) -> None:
    source = write(
        tmp_path / "in",
        {"events.csv": "user,post\n1.0,603.0\n1.0,7\n", "posts.csv": "post,title\n603,six\n 7,seven\n"},
    )
    tables = imported(source, to=tmp_path / "clean")
    assert tables.events() == [("1", "603", "view"), ("1", "7", "view")]
    assert tables.posts["external_id"].isna().all()


def test_other_programs_verbs_are_named_on_the_command_line(tmp_path: Path) -> None:
    source = write(tmp_path / "in", {"events.csv": HEADER + "a,p,Purchase,1758348933\na,p,basket,1758348934\n"})
    words, of_all = read_verb_options(("purchase=inspire", "basket=like"))
    tables = imported(source, to=tmp_path / "clean", meaning=Meaning(words=words, verb=of_all))
    assert [verb for *_, verb in tables.events()] == ["inspire", "like"]
    tables = imported(source, to=tmp_path / "clean", meaning=Meaning(verb=read_verb_options(("like",))[1]))
    assert [verb for *_, verb in tables.events()] == ["like", "like"]
    with pytest.raises(ImportSourceError, match="'hate' is not one of view, like, inspire, rating"):
        read_verb_options(("x=hate",))


@pytest.mark.parametrize(
    ("ratings", "best", "percents"),
    [
        (["0.5", "1"], None, [50, 100]),
        (["0.5", "5"], None, [10, 100]),
        (["1", "10"], None, [10, 100]),
        (["1", "87"], None, [1, 87]),
        (["1", "4"], 4.0, [25, 100]),
        (["0", "5"], None, [1, 100]),
        (["", "5"], None, [None, 100]),
    ],
)
def test_ratings_become_percent_of_the_best(
    tmp_path: Path, ratings: list[str], best: float | None, percents: list[int | None]
) -> None:
    lines = "".join(f"a,p{number},{rating},175834893{number}\n" for number, rating in enumerate(ratings))
    source = write(tmp_path / "in", {"ratings.csv": "user,post,rating,time\n" + lines})
    tables = imported(source, to=tmp_path / "clean", meaning=Meaning(best_rating=best))
    assert [None if pd.isna(value) else value for value in tables.interactions["rating_percent"]] == percents


@pytest.mark.parametrize("rating", ["-1", "6", "nan", "good", "inf"])
def test_a_rating_outside_its_range_is_refused(tmp_path: Path, rating: str) -> None:
    source = write(tmp_path / "in", {"ratings.csv": f"user,post,rating\na,p,5\na,q,4\na,r,{rating}\n"})
    tables = imported(source, to=tmp_path / "clean", meaning=Meaning(best_rating=5))
    assert len(tables.interactions) == 2
    assert sum(tables.findings().values()) == 1


def test_a_set_without_a_clock_keeps_its_order_and_gets_no_moments(tmp_path: Path) -> None:
    text = "user,post,position\na,x,2\na,y,0\nb,x,0\na,z,1\na,y,5\n"
    tables = imported(write(tmp_path / "in", {"events.csv": text}), to=tmp_path / "clean")
    stored = pd.read_parquet(tmp_path / "clean" / "interactions.parquet")
    assert stored["at"].isna().all()
    assert stored["position"].tolist() == [0, 1, 2, 0]
    assert not is_timed(tmp_path / "clean")
    assert [(user, post) for user, post, _ in tables.events() if user == "a"] == [("a", "y"), ("a", "z"), ("a", "x")]
    assert tables.findings() == {"duplicate user and post: kept once": 1}


def test_without_time_and_order_the_rows_are_the_order(tmp_path: Path) -> None:
    text = "user,post\na,x\na,y\na,z\n"
    tables = imported(write(tmp_path / "in", {"events.csv": text}), to=tmp_path / "clean")
    assert [post for _, post, _ in tables.events()] == ["x", "y", "z"]
    assert not tables.imported.is_timed


def test_a_post_without_a_time_of_creation_has_none(tmp_path: Path) -> None:
    posts = "id,title,created_at\np1,a,2025-09-01\np2,b,\np3,c,soon\n"
    events = HEADER + "".join(f"a,p{number},view,1758348933\n" for number in (1, 2, 3))
    tables = imported(write(tmp_path / "in", {"events.csv": events, "posts.csv": posts}), to=tmp_path / "clean")
    assert tables.posts["created_at"].isna().tolist() == [False, True, True]
    assert (
        sum(count for reason, count in tables.findings().items() if reason.startswith("malformed time of creation"))
        == 1
    )


def test_categories_are_numbered_by_name_unless_they_have_ids(tmp_path: Path) -> None:
    events = HEADER + "a,p1,view,1758348933\n"
    by_name = "id,category\np1,sport\np2,art\np3,\n"
    tables = imported(write(tmp_path / "in", {"events.csv": events, "posts.csv": by_name}), to=tmp_path / "clean")
    assert tables.posts["category_id"].fillna(0).tolist() == [2, 1, 0]
    by_id = "id,category_id,category\np1,70,sport\np2,30,art\np3,0,other\n"
    tables = imported(write(tmp_path / "in", {"events.csv": events, "posts.csv": by_id}), to=tmp_path / "clean")
    assert tables.posts["category_id"].fillna(0).tolist() == [70, 30, 0]
    assert tables.posts["category_name"].fillna("").tolist() == ["sport", "art", ""]


def test_the_text_to_embed_says_nothing_twice(tmp_path: Path) -> None:
    posts = "id,title,tags,description\np1,A dog runs,dog|park,In the park\n"
    events = HEADER + "a,p1,view,1758348933\n"
    tables = imported(write(tmp_path / "in", {"events.csv": events, "posts.csv": posts}), to=tmp_path / "clean")
    assert tables.posts["summary_text"].tolist() == ["A dog runs. park. In the park"]


def test_files_of_other_encodings_are_named_by_an_option(tmp_path: Path) -> None:
    source = write(tmp_path / "in", {"events.csv": HEADER + "zoë,p1,view,1758348933\n"}, "latin-1")
    tables = imported(source, to=tmp_path / "clean", wanted=Wanted(encoding="latin-1"))
    assert tables.users["username"].tolist() == ["zoë"]


def test_posts_may_be_in_a_file_of_any_name(tmp_path: Path) -> None:
    write(tmp_path / "in", {"events.csv": HEADER + GOOD, "x.csv": "nr,what\np1,a dog\np2,a cat\n"})
    wanted = Wanted(posts=tmp_path / "in" / "x.csv", post_columns=named(post="nr", title="what"))
    with pytest.raises(ImportSourceError, match=r"18 of 20 rows would be dropped for one reason .unknown post"):
        imported(tmp_path / "in" / "events.csv", to=tmp_path / "clean", wanted=wanted)
    tables = imported(tmp_path / "in" / "events.csv", to=tmp_path / "clean", wanted=wanted, accept_losses=True)
    assert tables.posts["title"].tolist() == ["a dog", "a cat"]
    assert len(read_interactions(tmp_path / "clean")) == 2


def test_a_quota_that_the_temporary_files_exceed_is_no_fault_of_the_source(tmp_path: Path) -> None:
    rows = "".join(f"u{number},p{number},view,1758348933\n" for number in range(5000))
    write(tmp_path / "in", {"events.csv": HEADER + rows})
    program = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from pipeline.foreign.errors import ImportSourceError\n"
        "from pipeline.foreign.formats import Wanted, recognise\n"
        "from pipeline.foreign.import_files import import_files\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))\n"
        "try: import_files(recognise([Path('in')], Wanted()), Path('data/clean'))\n"
        "except ImportSourceError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert "temporary files cannot be written" in done.stdout
    assert done.stdout.count("\n") == 1
    assert not any((tmp_path / "data").iterdir())
