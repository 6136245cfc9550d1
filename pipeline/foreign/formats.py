"""Detect the format of foreign files, and which of them hold interactions, posts and people."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from pipeline.foreign.columns import (
    INTERACTION_ROLES,
    NOTHING_NAMED,
    POST_ROLES,
    USER_ROLES,
    NamedColumns,
    ReadTable,
    Role,
    choose_columns,
)
from pipeline.foreign.errors import ImportSourceError
from pipeline.foreign.file_contents import refuse_other_contents
from pipeline.foreign.table_files import TableFile, delimited, kind_of, read_table_file
from pipeline.foreign.tables_by_columns import find_tables
from pipeline.foreign.text_files import LATIN, first_line

_ARCHIVES = (".zip", ".tar", ".tgz", ".7z", ".rar", ".bz2", ".xz", ".zst")


class Format(StrEnum):
    """The formats that `moodfeed import` reads."""

    TABLES = "tables"  # CSV, TSV, Parquet or JSON Lines with a column a role
    RECBOLE = "recbole"
    MOVIELENS = "movielens"
    GORSE = "gorse"
    MICROLENS = "microlens"


@dataclass(frozen=True, slots=True)
class Source:
    """What is imported: the tables and their columns."""

    format: Format
    interactions: ReadTable
    posts: ReadTable | None
    users: ReadTable | None


@dataclass(frozen=True, slots=True)
class _Files:
    """The tables of a source before their columns are chosen; ``named`` are those that the format fixes."""

    format: Format
    interactions: TableFile
    posts: TableFile | None = None
    users: TableFile | None = None
    named: NamedColumns = NOTHING_NAMED
    named_of_posts: NamedColumns = NOTHING_NAMED


@dataclass(frozen=True, slots=True)
class Wanted:
    """The options of the command line."""

    format: Format | None = None
    posts: Path | None = None
    users: Path | None = None
    interaction_columns: NamedColumns = NOTHING_NAMED
    post_columns: NamedColumns = NOTHING_NAMED
    encoding: str | None = None


def recognise(paths: Sequence[Path], wanted: Wanted) -> Source:
    """Detect the format of files or of a directory; ImportSourceError, which says what to do, if it is unclear."""
    files = _all_files(paths)
    for name, find in _FINDERS.items():
        if wanted.format in {None, name} and (found := find(files, wanted)) is not None:
            break
    else:
        known = "" if wanted.format is None else f" as {wanted.format}"
        raise ImportSourceError(
            f"{', '.join(map(str, paths))}: the format cannot be recognised{known} from the files "
            f"{', '.join(file.name for file in files)}; pass the file of interactions, and --posts FILE for the posts"
            + ("; unpack archives first" if any(file.suffix.lower() in _ARCHIVES for file in files) else "")
        )
    if wanted.posts:
        found = replace(found, posts=read_table_file(wanted.posts, encoding=wanted.encoding))
    if wanted.users:
        found = replace(found, users=read_table_file(wanted.users, encoding=wanted.encoding))
    of_interactions = wanted.interaction_columns.over(found.named)
    interactions = choose_columns(found.interactions, INTERACTION_ROLES, of_interactions)
    posts = users = None
    if found.posts:
        same = _same_name(of_interactions, Role.POST, found.posts)
        posts = choose_columns(found.posts, POST_ROLES, wanted.post_columns.over(found.named_of_posts).over(same))
    if found.users:
        users = choose_columns(found.users, USER_ROLES, _same_name(of_interactions, Role.USER, found.users))
    return Source(found.format, interactions, posts, users)


def _same_name(named: NamedColumns, role: Role, table: TableFile) -> NamedColumns:
    """The column that a role has in the interactions, if another table has it too."""
    name = named.by_role.get(role)
    return NamedColumns({role: name} if name in table.columns and name else {})


def _all_files(paths: Sequence[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files += sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
        elif path.exists():
            refuse_other_contents(path)
            files.append(path)
        else:
            raise ImportSourceError(f"{path} does not exist")
    if not files:
        raise ImportSourceError(f"{', '.join(map(str, paths))} contains no files")
    return files


def _named(files: Sequence[Path], *names: str) -> Path | None:
    """The first file with one of these names, gzipped or not, among ``files`` or in the directory of the first."""
    for name in names:
        for file in [*files, *(files[0].with_name(name + ending) for ending in ("", ".gz"))]:
            if file.name.lower().removesuffix(".gz") == name and file.is_file():
                return file
    return None


def _recbole(files: Sequence[Path], wanted: Wanted) -> _Files | None:
    inter = next((file for file in files if kind_of(file) == ".inter"), None)
    if inter is None:
        return None

    def table(path: Path) -> TableFile | None:
        if not path.exists():
            return None
        read = delimited(path, delimiter="\t", quote="", encoding=wanted.encoding)
        return replace(
            read,
            columns={name.split(":")[0]: expression for name, expression in read.columns.items()},
            spaced=frozenset(name.split(":")[0] for name in read.columns if name.endswith(":token_seq")),
        )

    interactions = table(inter)
    if interactions is None or "\t" not in first_line(inter):
        raise ImportSourceError(
            f"{inter}: the first line must name the columns, separated by tabs, such as user_id:token"
        )
    return _Files(Format.RECBOLE, interactions, table(inter.with_suffix(".item")), table(inter.with_suffix(".user")))


_GENRES = (
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama", "Fantasy",
    "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
)  # fmt: skip


def _movielens(files: Sequence[Path], wanted: Wanted) -> _Files | None:
    """ratings.csv and movies.csv; ratings.dat and movies.dat of 1M and 10M; u.data and u.item of 100K."""
    single = files[0].name.lower() if len(files) == 1 else None
    rated = NamedColumns(
        {
            Role.USER: "userId",
            Role.POST: "movieId",
            Role.RATING: "rating",
            Role.TIME: "timestamp",
            Role.VERB: "",
            Role.ORDER: "",
        }
    )
    described = NamedColumns({Role.POST: "movieId", Role.TITLE: "title", Role.CATEGORY: "genres", Role.CREATED: ""})
    names = ("userId", "movieId", "rating", "timestamp")

    def of(name: str) -> Path | None:
        return _named(files, name) if single in {None, name, name + ".gz"} else None

    if (ratings := of("ratings.csv")) and first_line(ratings).replace('"', "").split(",")[:2] == ["userId", "movieId"]:
        movies = _named(files, "movies.csv")
        interactions = delimited(ratings, delimiter=",", encoding=wanted.encoding)
        posts = delimited(movies, delimiter=",", encoding=wanted.encoding) if movies else None
    elif ratings := of("ratings.dat"):
        movies = _named(files, "movies.dat")
        interactions = delimited(ratings, delimiter="::", names=names, quote="", encoding=wanted.encoding or LATIN)
        posts = _movies_of_dat(movies, wanted.encoding or LATIN) if movies else None
    elif ratings := of("u.data"):
        movies = _named(files, "u.item")
        interactions = delimited(ratings, delimiter="\t", names=names, quote="", encoding=wanted.encoding or LATIN)
        posts = _movies_of_100k(movies, wanted.encoding or LATIN) if movies else None
    else:
        return None
    return _Files(Format.MOVIELENS, interactions, posts, named=rated, named_of_posts=described)


def _movies_of_dat(path: Path, encoding: str) -> TableFile:
    """movies.dat: an id, a title, which may hold the separator itself, and genres."""
    table = delimited(path, delimiter="\x1f", names=("line",), quote="", encoding=encoding)
    line = table.columns["line"]
    columns = {
        name: f"nullif(regexp_extract({line}, '^(.*?)::(.*)::(.*)$', {place}), '')"
        for place, name in enumerate(("movieId", "title", "genres"), start=1)
    }
    return replace(table, columns=columns)


def _movies_of_100k(path: Path, encoding: str) -> TableFile:
    """u.item: a 1 in the column of each genre of the film."""
    names = ("movieId", "title", "released", "video released", "link", *_GENRES)
    table = delimited(path, delimiter="|", names=names, quote="", encoding=encoding)
    flags = ", ".join(
        f"CASE {table.columns[genre]} WHEN '1' THEN '{genre.replace(chr(39), chr(39) * 2)}' END" for genre in _GENRES
    )
    return replace(
        table,
        columns={**table.columns, "genres": f"array_to_string(list_filter([{flags}], lambda g: g IS NOT NULL), '|')"},
    )


def _gorse(files: Sequence[Path], wanted: Wanted) -> _Files | None:
    """The JSON Lines of gorse's dashboard: feedback, items and users."""
    feedback = _named(files, "feedback.jsonl", "feedback.json", "feedbacks.jsonl")
    if feedback is None or '"FeedbackType"' not in first_line(feedback):
        return None
    items, users = _named(files, "items.jsonl", "items.json"), _named(files, "users.jsonl", "users.json")
    return _Files(
        Format.GORSE,
        read_table_file(feedback, encoding=wanted.encoding),
        read_table_file(items, encoding=wanted.encoding) if items else None,
        read_table_file(users, encoding=wanted.encoding) if users else None,
        named=NamedColumns(
            {
                Role.USER: "UserId",
                Role.POST: "ItemId",
                Role.VERB: "FeedbackType",
                Role.TIME: "Timestamp",
                Role.ORDER: "",
                Role.RATING: "",
            }
        ),
    )


def _microlens(files: Sequence[Path], wanted: Wanted) -> _Files | None:
    """MicroLens as published: NAME_pairs.csv or NAME_pairs.tsv, and the titles."""
    pairs = next(
        (file for ending in (".csv", ".tsv") for file in files if file.name.lower().endswith(f"_pairs{ending}")), None
    )
    if pairs is None:
        return None
    beside = files if len(files) > 1 else sorted(pairs.parent.iterdir())
    titles = next((file for file in beside if "_title" in file.name.lower() and kind_of(file) == ".csv"), None)
    posts = None
    if titles is not None:
        has_header = first_line(titles).split(",")[0].strip().lower() == "item"
        posts = delimited(
            titles, delimiter=",", names=None if has_header else ("item", "title"), encoding=wanted.encoding
        )
    if kind_of(pairs) == ".tsv":
        table = delimited(pairs, delimiter="\t", names=("user", "items"), quote="", encoding=wanted.encoding)
        items = f"unnest(string_split({table.columns['items']}, ' '))"

        def one_each(file: Path) -> str:
            return f"(SELECT {table.columns['user']} AS person, {items} AS item FROM {table.relation_of(file)})"

        interactions = replace(table, relation_of=one_each, columns={"user": "person", "item": "item"})
    else:
        interactions = delimited(pairs, delimiter=",", encoding=wanted.encoding)
    return _Files(Format.MICROLENS, interactions, posts)


def _tables(files: Sequence[Path], wanted: Wanted) -> _Files | None:
    """Tables of any program: one of them is of interactions, by its name and columns or because it is the only one."""
    found = find_tables(files, wanted.interaction_columns, wanted.post_columns, encoding=wanted.encoding)
    if found is None:
        return None
    posts, users = None if wanted.posts else found.posts, None if wanted.users else found.users
    return _Files(Format.TABLES, found.interactions, posts, users)


_FINDERS: dict[Format, Callable[[Sequence[Path], Wanted], _Files | None]] = {
    Format.RECBOLE: _recbole,
    Format.MOVIELENS: _movielens,
    Format.GORSE: _gorse,
    Format.MICROLENS: _microlens,
    Format.TABLES: _tables,
}
