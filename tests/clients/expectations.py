"""Judge what a client gave by the expectation of a case: literal values, and operators where values differ by bundle.

A dict names the fields that count. A text ``$name.path`` stands for what is known under it. Operators: $count, $all,
$none, $any, $first, $contains, $without, $distinct, $includes, $begins, $at_least, $at_most, $all_but_last; the texts
$nonempty, $number and $any stand for values of a kind. A list of post_ids counts as a set without repeats.
"""

from collections.abc import Mapping, Sequence
from typing import cast

Json = Mapping[str, object]


def lookup(text: str, known: Json) -> object:
    """What is known under ``$name.path``."""
    found: object = known
    for part in text[1:].split("."):
        found = found[int(part)] if isinstance(found, list) else cast("Json", found)[part]
    return found


def faults(expected: object, found: object, known: Json, where: str = "") -> list[str]:
    """Where and how a value is not as expected."""
    if isinstance(expected, str) and expected.startswith("$"):
        match expected:
            case "$nonempty":
                return [] if found else [f"{where}: is empty"]
            case "$number":
                return [] if isinstance(found, int | float) else [f"{where}: {found!r} is no number"]
            case "$any":
                return []
        expected = lookup(expected, known)
    if isinstance(expected, dict):
        if any(key.startswith("$") for key in expected):
            return [fault for key, value in expected.items() for fault in _operator(key, value, found, known, where)]
        if not isinstance(found, dict):
            return [f"{where}: {found!r} is no object"]
        return [
            fault for key, value in expected.items() for fault in faults(value, found.get(key), known, f"{where}.{key}")
        ]
    if isinstance(expected, list):
        if not isinstance(found, list) or len(found) != len(expected):
            return [f"{where}: {found!r:.300} is not {expected!r:.300}"]
        if where.endswith("post_ids"):
            wanted = [lookup(item, known) if item.startswith("$") else item for item in expected]
            return [] if sorted(found) == sorted(wanted) else [f"{where}: not the expected posts, each once"]
        return [
            fault
            for index, (one, other) in enumerate(zip(expected, found, strict=True))
            for fault in faults(one, other, known, f"{where}.{index}")
        ]
    if isinstance(expected, float) and isinstance(found, float):
        return [] if abs(expected - found) < 1e-6 else [f"{where}: {found!r} is not {expected!r}"]
    return (
        [] if expected == found and type(expected) is type(found) else [f"{where}: {found!r:.300} is not {expected!r}"]
    )


def _operator(key: str, value: object, found: object, known: Json, where: str) -> list[str]:
    if isinstance(value, str) and value.startswith("$"):
        value = lookup(value, known)
    if key == "$begins":
        return [] if str(found).startswith(str(value)) else [f"{where}: {found!r} does not begin with {value!r}"]
    if key in {"$at_least", "$at_most"}:  # of numbers
        is_within = found >= value if key == "$at_least" else found <= value  # type: ignore[operator]
        return [] if is_within else [f"{where}: {found!r} is not {key[1:]} {value!r}"]
    if not isinstance(found, list):
        return [f"{where}: {found!r:.300} is no list"]
    match key:
        case "$count":
            is_right = len(found) == value
        case "$all":
            return [fault for i, item in enumerate(found) for fault in faults(value, item, known, f"{where}.{i}")]
        case "$none":
            is_right = all(faults(value, item, known) for item in found)
        case "$any":
            is_right = any(not faults(value, item, known) for item in found)
        case "$first":
            return faults(value, found[0], known, f"{where}.0") if found else [f"{where}: is empty"]
        case "$contains":
            is_right = value in found
        case "$without":
            ids = {item["post_id"] if isinstance(item, dict) else item for item in cast("Sequence[object]", value)}
            is_right = not ids & set(found) and len(set(found)) == len(found) > 0
        case "$distinct":
            values = [item[value] for item in found]
            is_right = len(set(values)) == len(values)
        case "$includes":
            is_right = set(cast("Sequence[object]", value)) <= set(found)
        case "$all_but_last":
            is_right = all(item == value for item in found[:-1])
        case _:
            raise KeyError(key)
    return [] if is_right else [f"{where}: {found!r:.300} is not {key[1:]} {value!r:.300}"]
