"""Which posts a search may return, by their category, account, moment and language."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Filters:
    """A post passes if no field leaves it out; post_index.proto documents each field."""

    category_ids: tuple[int, ...] = ()
    excluded_category_ids: tuple[int, ...] = ()
    excluded_owner_usernames: tuple[str, ...] = ()
    created_after_ms: int | None = None
    languages: tuple[str, ...] = ()


NO_FILTERS = Filters()
