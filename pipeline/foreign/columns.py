"""Choose the column of each role in a foreign table: the column that is named, else a guess by the column's name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pipeline.foreign.errors import ImportSourceError
from pipeline.foreign.table_files import LIST_SEPARATOR, TableFile
from pipeline.spilling_database import text_literal


class Role(StrEnum):
    """The meaning of a column; the value is its name in options and reports."""

    USER = "user"
    POST = "post"
    TIME = "time"
    ORDER = "order"
    VERB = "verb"
    RATING = "rating"
    TITLE = "title"
    DESCRIPTION = "description"
    KEYWORDS = "keywords"
    CATEGORY = "category"
    CATEGORY_ID = "category-id"
    CREATED = "created"
    LINK = "link"
    THUMBNAIL = "thumbnail"
    OWNER = "owner"
    LANGUAGE = "language"
    HIDDEN = "hidden"


_USER_NAMES = ("userid", "user", "username", "uid", "visitorid", "customerid", "memberid", "personid", "reviewerid")
_POST_NAMES = (
    "postid", "itemid", "videoid", "movieid", "productid", "articleid", "newsid", "contentid", "trackid", "songid",
    "bookid", "parentasin", "asin", "iid", "post", "item", "video", "movie", "product", "article", "track", "song",
    "book",
)  # fmt: skip
_GUESSES: Mapping[Role, tuple[str, ...]] = {
    Role.USER: _USER_NAMES,
    Role.POST: _POST_NAMES,
    Role.TIME: ("timestamp", "time", "ts", "at", "datetime", "date", "eventtime", "createdat", "viewedat", "unixtime"),
    Role.ORDER: ("position", "order", "sequence", "seq", "step"),
    Role.VERB: ("verb", "event", "eventtype", "action", "actiontype", "feedbacktype", "interactiontype", "behavior",
                "behaviortype", "interaction", "type"),
    Role.RATING: ("ratingpercent", "rating", "stars", "overall", "score"),
    Role.TITLE: ("title", "name", "itemname", "movietitle", "posttitle", "videotitle", "headline", "caption", "text"),
    Role.DESCRIPTION: ("description", "summary", "abstract", "comment", "body"),
    Role.KEYWORDS: ("keywords", "tags", "hashtags", "labels"),
    Role.CATEGORY: ("categoryname", "category", "categories", "genre", "genres", "class", "topic"),
    Role.CATEGORY_ID: ("categoryid",),
    Role.CREATED: ("createdat", "created", "timestamp", "publishedat", "published", "uploadedat", "date",
                   "releasedate"),
    Role.LINK: ("videolink", "link", "url", "videourl"),
    Role.THUMBNAIL: ("thumbnailurl", "thumbnail", "imageurl", "image", "cover"),
    Role.OWNER: ("ownerusername", "owner", "author", "creator", "channel"),
    Role.LANGUAGE: ("language", "languagecode", "lang", "locale"),
    Role.HIDDEN: ("ishidden", "hidden"),
}  # fmt: skip
INTERACTION_ROLES = (Role.USER, Role.POST, Role.TIME, Role.ORDER, Role.VERB, Role.RATING)
POST_ROLES = (
    Role.POST, Role.TITLE, Role.DESCRIPTION, Role.KEYWORDS, Role.CATEGORY, Role.CATEGORY_ID, Role.CREATED, Role.LINK,
    Role.THUMBNAIL, Role.OWNER, Role.LANGUAGE, Role.HIDDEN,
)  # fmt: skip
USER_ROLES = (Role.USER,)
_REQUIRED = {Role.USER, Role.POST}


@dataclass(frozen=True, slots=True)
class ColumnOf:
    """A column with a role; ``is_guessed`` where neither an option nor the format names it."""

    role: Role
    name: str
    is_guessed: bool


@dataclass(frozen=True, slots=True)
class ReadTable:
    """A table and the columns that are read from it."""

    table: TableFile
    columns: tuple[ColumnOf, ...]

    def sql(self, role: Role) -> str:
        """An SQL expression of type VARCHAR: the column of a role, or NULL if no column has it."""
        found = next((column for column in self.columns if column.role is role), None)
        if found is None:
            return "NULL::VARCHAR"
        expression = self.table.columns[found.name]
        is_list = found.name in self.table.spaced and role in {Role.CATEGORY, Role.KEYWORDS}
        return f"replace({expression}, ' ', {text_literal(LIST_SEPARATOR)})" if is_list else expression

    def has(self, role: Role) -> bool:
        """Whether a column has the role."""
        return any(column.role is role for column in self.columns)


@dataclass(frozen=True, slots=True)
class NamedColumns:
    """The columns that options or a format name; an empty name means that no column has the role."""

    by_role: Mapping[Role, str] = field(default_factory=dict)

    def over(self, other: "NamedColumns") -> "NamedColumns":
        """These columns, and those of ``other`` for roles that have none here."""
        return NamedColumns({**other.by_role, **self.by_role})


NOTHING_NAMED = NamedColumns()


def choose_columns(table: TableFile, roles: tuple[Role, ...], named: NamedColumns) -> ReadTable:
    """Choose the column of each role.

    ImportSourceError if a named column is missing, a required role has none, an id is a list, or two roles of an
    interaction name the same column.
    """
    if roles is INTERACTION_ROLES:
        _refuse_one_column_for_two_roles(named)
    chosen: list[ColumnOf] = []
    taken = {name for role, name in named.by_role.items() if role in roles}
    for role in roles:
        if role in named.by_role:
            name = named.by_role[role]
            if not name:
                continue
            if name not in table.columns:
                raise ImportSourceError(f"{table.path}: no column {name!r}; the columns are {_listed(table)}")
            chosen.append(ColumnOf(role, name, is_guessed=False))
            continue
        guess = _guess(table, role, roles, taken)
        if guess is None and role in _REQUIRED:
            raise ImportSourceError(
                f"{table.path}: no column looks like the {role}; the columns are {_listed(table)}; "
                f"name one with --{_option(role, roles)}"
            )
        if guess is not None:
            taken.add(guess)
            chosen.append(ColumnOf(role, guess, is_guessed=True))
    for column in chosen:
        if column.role in _REQUIRED and column.name in table.rounded:
            raise ImportSourceError(
                f"{table.path}: the column {column.name!r} is a decimal of more than 38 digits, which is rounded, so "
                "that different ids become one; write it as text, or name another column with "
                f"--{_option(column.role, roles)}"
            )
        if column.role in _REQUIRED and column.name in table.lists:
            raise ImportSourceError(
                f"{table.path}: the column {column.name!r} holds lists, but the {column.role} is one value per row; "
                f"name another one with --{_option(column.role, roles)}, or write one row per element"
            )
    return ReadTable(table, tuple(chosen))


def can_have(table: TableFile, role: Role, roles: tuple[Role, ...], named: NamedColumns = NOTHING_NAMED) -> bool:
    """Whether a table has the column that is named for a role or, if none is named, one that looks like it."""
    if role in named.by_role:
        return named.by_role[role] in table.columns
    return _guess(table, role, roles, set(named.by_role.values())) is not None


def _guess(table: TableFile, role: Role, roles: tuple[Role, ...], taken: set[str]) -> str | None:
    only_id = {POST_ROLES: Role.POST, USER_ROLES: Role.USER}.get(roles)  # a column "id" has no other meaning there
    words = (*_GUESSES[role], "id") if role is only_id else _GUESSES[role]
    return next((name for word in words for name in table.columns if _plain(name) == word and name not in taken), None)


def _refuse_one_column_for_two_roles(named: NamedColumns) -> None:
    roles: dict[str, Role] = {}
    for role, name in named.by_role.items():
        other = roles.setdefault(name, role)
        if name and other is not role:
            raise ImportSourceError(
                f"the column {name!r} cannot be both the {other} and the {role}: "
                f"name another one with --{other}-column or --{role}-column"
            )


def _option(role: Role, roles: tuple[Role, ...]) -> str:
    return "id-column" if roles is POST_ROLES and role is Role.POST else f"{role}-column"


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _listed(table: TableFile) -> str:
    return ", ".join(table.columns)
