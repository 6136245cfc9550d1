"""Find which of several tables holds interactions, posts and people, by their names and their columns."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.foreign.columns import INTERACTION_ROLES, POST_ROLES, NamedColumns, Role, can_have
from pipeline.foreign.errors import ImportSourceError
from pipeline.foreign.table_files import (
    CSV_ENDINGS,
    JSON_ENDINGS,
    PARQUET_ENDINGS,
    TableFile,
    kind_of,
    read_table_file,
)

_INTERACTION_NAMES = (
    "interaction", "event", "feedback", "rating", "click", "view", "behavior", "pairs", "review", "log",
)  # fmt: skip
_POST_NAMES = (
    "post", "item", "movie", "video", "product", "article", "news", "title", "book", "track", "song", "content",
)  # fmt: skip
_USER_NAMES = ("user", "people", "person", "customer", "member")
_POST_TEXTS = (Role.TITLE, Role.DESCRIPTION, Role.KEYWORDS, Role.CATEGORY)


@dataclass(frozen=True, slots=True)
class FoundTables:
    """The table of interactions, and those of posts and people if there are any."""

    interactions: TableFile
    posts: TableFile | None
    users: TableFile | None


def find_tables(
    files: Sequence[Path], of_interactions: NamedColumns, of_posts: NamedColumns, *, encoding: str | None
) -> FoundTables | None:
    """The tables among files, None if no file is a table.

    ImportSourceError, which lists the files and their columns, if it is unclear which one holds interactions.
    """
    paths = [file for file in files if kind_of(file) in {*CSV_ENDINGS, *JSON_ENDINGS, *PARQUET_ENDINGS}]
    if not paths:
        return None
    if len(paths) == 1:
        return FoundTables(read_table_file(paths[0], encoding=encoding), None, None)
    tables: dict[Path, TableFile] = {}
    unread: dict[Path, ImportSourceError] = {}
    for path in paths:
        try:
            tables[path] = read_table_file(path, encoding=encoding)
        except ImportSourceError as error:
            unread[path] = error
    for path, fault in unread.items():
        if _named_like((*_INTERACTION_NAMES, *_POST_NAMES, *_USER_NAMES), [path]):
            raise fault
    path = _interactions(tables, list(unread), of_interactions)
    others = {other: table for other, table in tables.items() if other != path}
    posts = _named_like(_POST_NAMES, others) or _only(
        other
        for other, table in others.items()
        if can_have(table, Role.POST, POST_ROLES, of_posts)
        and any(can_have(table, role, POST_ROLES, of_posts) for role in _POST_TEXTS)
    )
    users = _named_like(_USER_NAMES, {other: table for other, table in others.items() if other != posts})
    return FoundTables(tables[path], others[posts] if posts else None, others[users] if users else None)


def _interactions(tables: dict[Path, TableFile], unread: list[Path], named: NamedColumns) -> Path:
    with_both = [
        path
        for path, table in tables.items()
        if can_have(table, Role.USER, INTERACTION_ROLES, named) and can_have(table, Role.POST, INTERACTION_ROLES, named)
    ]
    by_name = _named_like(_INTERACTION_NAMES, tables)
    if by_name in with_both:
        return by_name
    by_columns = _only(with_both) or _only(
        path for path in with_both if _named_like((*_POST_NAMES, *_USER_NAMES), [path]) is None
    )
    if by_columns or by_name:
        return by_columns or by_name  # type: ignore[return-value] # one of them is a path
    seen = "; ".join(
        [
            *(f"{path.name} (columns {', '.join(table.columns)})" for path, table in tables.items()),
            *(f"{path.name} (cannot be read)" for path in unread),
        ]
    )
    fault = (
        f"the files {', '.join(path.name for path in with_both)} all have a column of people and one of posts"
        if with_both
        else "no file has a column of people and one of posts"
    )
    raise ImportSourceError(
        f"{next(iter([*tables, *unread])).parent}: which file holds the interactions is unclear: {fault}. "
        f"Found: {seen}. Pass the file of interactions itself, with --user-column and --post-column if its "
        "columns have other names, and --posts FILE for the posts"
    )


def _named_like(words: tuple[str, ...], paths: Iterable[Path]) -> Path | None:
    paths = list(paths)
    return next((path for word in words for path in paths if word in path.name.lower()), None)


def _only(paths: Iterable[Path]) -> Path | None:
    found = list(paths)
    return found[0] if len(found) == 1 else None
