"""Each program's files are recognised by their names and headers, and read as their authors document them."""

import gzip
import json
from pathlib import Path

import pandas as pd
import pytest

from pipeline.foreign.columns import NamedColumns, Role
from pipeline.foreign.errors import ImportSourceError
from pipeline.foreign.formats import Format, Wanted, recognise
from tests.pipeline.foreign.foreign_files import imported, named, write

EVENTS = "user,item,event,time\nanna,p-1,click,1758348933\nbo b,p-2,like,1758348934\nanna,p-2,share,1758348935\n"
ITEMS = "item_id,title,genre\np-1,A dog,pets\np-2,A song,music\n"
EXPECTED = [("anna", "p-1", "view"), ("bo b", "p-2", "like"), ("anna", "p-2", "inspire")]


def test_a_pair_of_csv_files_is_read_by_the_names_of_its_columns(tmp_path: Path) -> None:
    tables = imported(write(tmp_path / "in", {"events.csv": EVENTS, "items.csv": ITEMS}), to=tmp_path / "clean")
    assert tables.events() == EXPECTED
    assert tables.posts["title"].tolist() == ["A dog", "A song"]
    assert tables.posts["category_name"].tolist() == ["pets", "music"]
    assert tables.interactions["at"].tolist() == list(
        pd.to_datetime([1758348933, 1758348934, 1758348935], unit="s", utc=True)
    )


@pytest.mark.parametrize("form", ["csv.gz", "tsv", "semicolons", "parquet", "jsonl", "jsonl.gz", "ndjson"])
def test_the_same_tables_in_another_form_give_the_same(tmp_path: Path, form: str) -> None:
    source = write(tmp_path / "csv", {"events.csv": EVENTS, "items.csv": ITEMS})
    directory = tmp_path / "in"
    directory.mkdir()
    for name in ("events", "items"):
        table = pd.read_csv(source / f"{name}.csv")
        if form == "parquet":
            table.to_parquet(directory / f"{name}.parquet")
        elif form == "csv.gz":
            (directory / f"{name}.csv.gz").write_bytes(gzip.compress((source / f"{name}.csv").read_bytes()))
        elif form in {"tsv", "semicolons"}:
            separator = "\t" if form == "tsv" else ";"
            table.to_csv(directory / f"{name}.{'tsv' if form == 'tsv' else 'csv'}", sep=separator, index=False)
        else:
            table.to_json(directory / f"{name}.{form}", orient="records", lines=True)
    tables = imported(directory, to=tmp_path / "clean")
    assert tables.events() == EXPECTED
    assert tables.posts["category_name"].tolist() == ["pets", "music"]


@pytest.mark.parametrize(
    "content",
    [
        EVENTS.replace("\n", "\r\n").encode("utf-8-sig"),
        EVENTS.replace("\n", "\r").encode(),
        ("\n\n" + EVENTS).encode(),
        EVENTS.encode("utf-16"),
        EVENTS.replace("\n", "\r\n").replace(",", "\t").encode("utf-16"),
        "".join(f"{number},{line}\n" for number, line in enumerate(EVENTS.splitlines())).replace("0,", ",", 1).encode(),
        EVENTS.replace("\n", ",\n").encode(),
        EVENTS.replace("user", "Event,user").replace("\n", "\nx,").removesuffix("x,").encode(),
        gzip.compress(EVENTS.encode()),
    ],
    ids=[
        "byte order mark", "carriage returns", "blank lines first", "UTF-16", "Unicode text of Excel",
        "an index without a name", "a separator at each end", "names that differ in case", "compressed",
    ],
)  # fmt: skip
def test_texts_of_other_programs_are_read(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "events.csv"
    file.write_bytes(content)
    verb = NamedColumns({Role.VERB: "event"})
    tables = imported(file, to=tmp_path / "clean", wanted=Wanted(interaction_columns=verb))
    assert tables.events() == EXPECTED


def test_a_file_named_gz_that_is_no_longer_compressed_is_read(tmp_path: Path) -> None:
    file = write(tmp_path / "in", {"events.csv.gz": EVENTS}) / "events.csv.gz"
    assert imported(file, to=tmp_path / "clean").events() == EXPECTED


@pytest.mark.parametrize("is_array", [True, False])
def test_fields_of_objects_in_json_are_columns(tmp_path: Path, is_array: bool) -> None:
    rows = [
        {
            "user": {"id": user, "realName": "not stored"},
            "item": {"id": {"$oid": post}},
            "event": verb,
            "time": {"$date": "2025-09-20T06:15:33Z"},
        }
        for user, post, verb in EXPECTED
    ]
    text = json.dumps(rows, indent=1) if is_array else "\n".join(map(json.dumps, rows))
    file = write(tmp_path / "in", {"events.json": text}) / "events.json"
    tables = imported(file, to=tmp_path / "clean")
    assert sorted(tables.events()) == sorted(EXPECTED)
    assert (tables.interactions["at"] == pd.Timestamp("2025-09-20T06:15:33Z")).all()


def test_fields_of_objects_in_parquet_are_columns(tmp_path: Path) -> None:
    rows = [{"user": {"id": user}, "item": {"id": post}, "event": verb} for user, post, verb in EXPECTED]
    pd.DataFrame(rows).to_parquet(tmp_path / "events.parquet")
    assert sorted(imported(tmp_path / "events.parquet", to=tmp_path / "clean").events()) == sorted(EXPECTED)


def test_titles_of_movielens_may_hold_the_separator(tmp_path: Path) -> None:
    films = {"ratings.dat": "1::7::5::978300760\n", "movies.dat": "7::Mission :: Impossible:: II (2000)::Action|War\n"}
    tables = imported(write(tmp_path / "in", films), to=tmp_path / "clean")
    assert tables.posts["title"].tolist() == ["Mission :: Impossible:: II (2000)"]
    assert tables.posts["category_name"].tolist() == ["Action"]


def test_interactions_alone_give_posts_without_titles(tmp_path: Path) -> None:
    tables = imported(write(tmp_path / "in", {"events.csv": EVENTS}) / "events.csv", to=tmp_path / "clean")
    assert tables.events() == EXPECTED
    assert tables.posts["title"].tolist() == ["", ""]
    assert tables.posts["is_servable"].all()


def test_columns_of_any_name_are_read_where_they_are_named(tmp_path: Path) -> None:
    text = "wer,was,wann\nanna,p-1,1758348933\n"
    source = write(tmp_path / "in", {"x.csv": text}) / "x.csv"
    with pytest.raises(
        ImportSourceError, match=r"no column looks like the user; the columns are wer, was, wann; name one with --user-"
    ):
        recognise([source], Wanted())
    wanted = Wanted(interaction_columns=named(user="wer", post="was", time="wann"))
    tables = imported(source, to=tmp_path / "clean", wanted=wanted)
    assert tables.events() == [("anna", "p-1", "view")]
    assert tables.imported.is_timed


def test_a_named_column_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    source = write(tmp_path / "in", {"events.csv": EVENTS})
    with pytest.raises(ImportSourceError, match="no column 'who'; the columns are user, item, event, time"):
        recognise([source], Wanted(interaction_columns=named(user="who")))


def test_an_empty_name_says_that_no_column_has_the_role(tmp_path: Path) -> None:
    source = write(tmp_path / "in", {"events.csv": EVENTS})
    tables = imported(source, to=tmp_path / "clean", wanted=Wanted(interaction_columns=named(verb="", time="")))
    assert not tables.imported.is_timed
    assert {verb for *_, verb in tables.events()} == {"view"}


def test_recbole_atomic_files(tmp_path: Path) -> None:
    source = write(
        tmp_path / "in",
        {
            "set.inter": 'user_id:token\titem_id:token\trating:float\ttimestamp:float\nu1\ti"1\t5.0\t978300760.0\n'
            "u2\ti2\t2.5\t978300761.0\n",
            "set.item": "item_id:token\tmovie_title:token_seq\tclass:token_seq\n"
            'i"1\tToy Story\tAnimation Comedy\ni2\tHeat\t\n',
            "set.user": "user_id:token\tage:token\nu1\t24\nu3\t30\n",
        },
    )
    tables = imported(source, to=tmp_path / "clean")
    assert tables.events() == [("u1", 'i"1', "rating"), ("u2", "i2", "rating")]
    assert tables.interactions["rating_percent"].tolist() == [100, 50]
    assert tables.users["username"].tolist() == ["u1", "u2", "u3"]
    assert tables.posts["title"].tolist() == ["Toy Story", "Heat"]  # a token_seq too, whose tokens are its words
    assert tables.posts["category_name"].dropna().tolist() == ["Animation"]
    assert tables.posts["keywords"].tolist() == ["Animation, Comedy", ""]
    assert recognise([source / "set.inter"], Wanted()).format is Format.RECBOLE


MOVIES = [(1, "Toy Story (1995)", "Animation|Comedy"), (2, "Amélie, une vie (2001)", "(no genres listed)")]
RATINGS = [(7, 1, 0.5, 978300760), (7, 2, 5, 978300761), (8, 2, 3, 978300762)]


def movielens(directory: Path, form: str) -> Path:
    """Three ratings of two films in one of MovieLens' forms."""
    directory.mkdir()
    if form == "csv":
        names = ["userId", "movieId", "rating", "timestamp"]
        pd.DataFrame(RATINGS, columns=names).to_csv(directory / "ratings.csv", index=False)
        pd.DataFrame(MOVIES, columns=["movieId", "title", "genres"]).to_csv(directory / "movies.csv", index=False)
        (directory / "links.csv").write_text("movieId,imdbId,tmdbId\n1,0114709,862\n", encoding="utf-8")
        (directory / "tags.csv").write_text("userId,movieId,tag,timestamp\n7,1,fun,978300760\n", encoding="utf-8")
    elif form == "dat":
        write(directory, {"ratings.dat": "".join("::".join(map(str, row)) + "\n" for row in RATINGS)})
        write(directory, {"movies.dat": "".join("::".join(map(str, row)) + "\n" for row in MOVIES)}, "latin-1")
        write(directory, {"users.dat": "7::M::18::4::55117\n"})
    else:
        write(directory, {"u.data": "".join("\t".join(map(str, row)) + "\n" for row in RATINGS)})
        flags = {1: {3, 5}, 2: set()}
        lines = [
            "|".join(
                [
                    str(number),
                    title,
                    "01-Jan-1995",
                    "",
                    "link",
                    *("1" if n in flags[number] else "0" for n in range(19)),
                ]
            )
            for number, title, _ in MOVIES
        ]
        write(directory, {"u.item": "\n".join(lines) + "\n"}, "latin-1")
    return directory


@pytest.mark.parametrize("form", ["csv", "dat", "u.data"])
def test_movielens(tmp_path: Path, form: str) -> None:
    source = movielens(tmp_path / "in", form)
    tables = imported(source, to=tmp_path / "clean")
    assert recognise([source], Wanted()).format is Format.MOVIELENS
    assert tables.events() == [("7", "1", "rating"), ("7", "2", "rating"), ("8", "2", "rating")]
    assert tables.posts["post_id"].tolist() == [1, 2]
    assert tables.posts["external_id"].isna().all()
    assert tables.posts["title"].tolist() == [title for _, title, _ in MOVIES]
    assert tables.posts["category_name"].tolist()[0] == "Animation"
    assert pd.isna(tables.posts["category_name"].tolist()[1])
    assert tables.posts["keywords"].tolist() == ["Animation, Comedy", ""]
    assert tables.interactions["rating_percent"].tolist() == [10, 100, 60]


def test_the_json_lines_of_gorse(tmp_path: Path) -> None:
    feedback = [
        {
            "FeedbackType": "read",
            "UserId": "ann/e",
            "ItemId": "a:1",
            "Timestamp": "2024-05-01T10:00:00Z",
            "Comment": "",
        },
        {
            "FeedbackType": "star",
            "UserId": "bo",
            "ItemId": "a:2",
            "Timestamp": "2024-05-01T10:00:01.5+02:00",
            "Comment": "",
        },
    ]
    items = [
        {"ItemId": "a:1", "IsHidden": False, "Categories": ["tools", "go"], "Timestamp": "0001-01-01T00:00:00Z",
         "Labels": ["x"], "Comment": "a tool"},
        {"ItemId": "a:2", "IsHidden": True, "Categories": [], "Timestamp": "2024-04-01T10:00:00Z",
         "Labels": None, "Comment": ""},
    ]  # fmt: skip
    users = [{"UserId": name, "Labels": {"age": 3}, "Subscribe": None, "Comment": "secret"} for name in ("ann/e", "cy")]
    source = write(
        tmp_path / "in",
        {
            f"{name}.jsonl": "".join(json.dumps(row) + "\n" for row in rows)
            for name, rows in (("feedback", feedback), ("items", items), ("users", users))
        },
    )
    tables = imported(source, to=tmp_path / "clean")
    assert recognise([source], Wanted()).format is Format.GORSE
    assert tables.events() == [("bo", "a:2", "like"), ("ann/e", "a:1", "view")]
    assert tables.users["username"].tolist() == ["ann/e", "bo", "cy"]
    assert tables.posts["is_servable"].tolist() == [True, False]
    assert tables.posts["category_name"].tolist()[0] == "tools"
    assert tables.posts["description"].tolist() == ["a tool", ""]
    assert tables.posts["created_at"].isna().tolist() == [True, False]
    assert "secret" not in "".join(str(value) for value in tables.users.to_numpy().ravel())


TITLES = 'item,title\n10,A dog\n20,"A song, loud"\n30,A goal\n'


@pytest.mark.parametrize("header", [True, False])
def test_microlens_as_published_with_times(tmp_path: Path, header: bool) -> None:
    source = write(
        tmp_path / "in",
        {
            "MicroLens-50k_pairs.csv": "user,item,timestamp\n"
            "1,10,1583378629552\n1,30,1583378629553\n2,20,1583378629554\n",
            "MicroLens-50k_titles.csv": TITLES if header else TITLES.split("\n", 1)[1],
            "MicroLens-50k_pairs.tsv": "1\t10 30\n2\t20\n",
            "MicroLens-50k_likes_and_views.txt": "10\t1\t2\n",
        },
    )
    tables = imported(source, to=tmp_path / "clean")
    assert recognise([source], Wanted()).format is Format.MICROLENS
    assert tables.imported.is_timed
    assert tables.events() == [("1", "10", "view"), ("1", "30", "view"), ("2", "20", "view")]
    assert tables.posts["title"].tolist() == ["A dog", "A song, loud", "A goal"]


def test_microlens_as_published_with_an_order_only(tmp_path: Path) -> None:
    source = write(
        tmp_path / "in", {"MicroLens-50k_pairs.tsv": "1\t30 10\n2\t20\n", "MicroLens-50k_titles.csv": TITLES}
    )
    tables = imported(source, to=tmp_path / "clean")
    assert not tables.imported.is_timed
    history = tables.interactions[tables.interactions["user_id"] == 1]
    assert history["post_id"].tolist() == [30, 10]


def test_what_cannot_be_recognised_says_what_was_found(tmp_path: Path) -> None:
    source = write(tmp_path / "in", {"a.csv": "x,y\n1,2\n", "b.csv": "x,y\n1,2\n"})
    with pytest.raises(
        ImportSourceError,
        match=r"no file has a column of people and one of posts\. Found: a\.csv \(columns x, y\); b\.csv \(columns x, y"
        r"\)\. Pass the file of interactions itself, with --user-column and --post-column .*, and --posts FILE",
    ):
        recognise([source], Wanted())
    with pytest.raises(ImportSourceError, match="cannot be recognised as gorse"):
        recognise([source], Wanted(format=Format.GORSE))


@pytest.mark.parametrize("name", ["latin1", "ISO-8859-1", "Latin-1"])
def test_an_encoding_has_several_names(tmp_path: Path, name: str) -> None:
    source = write(tmp_path / "in", {"events.csv": EVENTS.replace("anna", "José")}, encoding="latin-1")
    tables = imported(source, to=tmp_path / "clean", wanted=Wanted(encoding=name))
    assert tables.events()[0] == ("José", "p-1", "view")


@pytest.mark.parametrize("name", ["base64", "nonsense"])
def test_an_encoding_that_there_is_not_is_refused(tmp_path: Path, name: str) -> None:
    source = write(tmp_path / "in", {"events.csv": EVENTS})
    with pytest.raises(ImportSourceError, match=f"--encoding {name}: there is no such encoding; common are utf-8, utf"):
        imported(source, to=tmp_path / "clean", wanted=Wanted(encoding=name))


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("events.csv", b"", "is empty"),
        ("events.csv", b"user,user\n1,2\n", "must name every column once"),
        ("events.parquet", b"not parquet", "cannot be read as Parquet"),
        ("events.jsonl", b"[1,\n2]\n", "none of the first lines is a JSON object"),
        ("events.csv.gz", b"\x1f\x8bnot gzip", "cannot be read"),
        ("ml-latest-small.zip", b"PK", "unpack archives first"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes, match: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ImportSourceError, match=match) as raised:
        recognise([tmp_path / name], Wanted())
    assert name in str(raised.value)


def test_a_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImportSourceError, match="nowhere does not exist"):
        recognise([tmp_path / "nowhere"], Wanted())
