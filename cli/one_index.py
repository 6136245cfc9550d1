"""A refusal: the commands that start the product start one post index, and settings may ask for a divided one."""

from collections.abc import Mapping

import typer

_SHARDS, _LISTED = "MOODFEED_POST_INDEX_SHARDS", "MOODFEED_GATEWAY_POST_INDEX_ADDRESS"


def refuse_divided_index(environment: Mapping[str, str]) -> None:
    """Exit code 2 and the name of the variable: one process of a divided index would refuse every feed."""
    if environment.get(_SHARDS, "1").strip() not in {"", "1"}:
        raise _refusal(_SHARDS, environment[_SHARDS])
    if ";" in environment.get(_LISTED, ""):
        raise _refusal(_LISTED, environment[_LISTED])


def _refusal(variable: str, value: str) -> typer.BadParameter:
    return typer.BadParameter(
        f"the variable {variable} is {value!r}, and this command starts one post index, which holds all posts: unset "
        "it, or start each shard and the gateway by themselves (docs/shards.md)"
    )
