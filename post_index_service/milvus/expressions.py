"""The filters of a search as a boolean expression of Milvus."""

from collections.abc import Iterable

import numpy as np

from post_collection.form import CATEGORY, CREATED, LANGUAGE, OWNER, POST_ID, language_of, owner_key
from post_index_service.filters import Filters


def expression_of(
    *,
    category_id: int | None,
    filters: Filters,
    without: Iterable[int] = (),
) -> str:
    """That of the posts of a category, None for all, that pass the filters and are not ``without``, post ids.

    It may let more pass than the filters do: languages are cut.
    """
    parts = [] if category_id is None else [f"{CATEGORY} == {category_id}"]
    if filters.category_ids:
        parts.append(f"{CATEGORY} in {sorted(set(filters.category_ids))}")
    if filters.excluded_category_ids:
        parts.append(f"{CATEGORY} not in {sorted(set(filters.excluded_category_ids))}")
    owners = {owner_key(name) for name in filters.excluded_owner_usernames if name}
    if owners:
        parts.append(f"{OWNER} not in {sorted(owners)}")
    if filters.created_after_ms is not None:
        parts.append(f"{CREATED} > {_within_int64(filters.created_after_ms)}")
    if filters.languages:
        names = sorted({language_of(name) for name in filters.languages if name})
        quoted = ", ".join(_quoted(name) for name in names)
        parts.append(f"{LANGUAGE} in [{quoted}]")
    if left_out := list(without):
        parts.append(f"{POST_ID} not in {left_out}")
    return " and ".join(parts)


def _quoted(text: str) -> str:
    """As a string of Milvus; what it might read otherwise is written by its number."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'


def _within_int64(value: int) -> int:
    limits = np.iinfo(np.int64)
    return min(max(value, limits.min + 1), limits.max)
