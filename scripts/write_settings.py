"""Write docs/settings.md: every environment variable of every process, from the settings classes themselves.

    python scripts/write_settings.py

A test holds the document equal to the classes.
"""

import re
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic import AliasChoices, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from bundle_sync.settings import Settings as BundleSyncSettings
from gateway.settings import Settings as GatewaySettings
from post_index_service.settings import Settings as PostIndexSettings
from rpc.server_settings import ServerSettings
from user_tower_service.settings import Settings as UserTowerSettings

DOCUMENT = Path(__file__).parents[1] / "docs" / "settings.md"
PROCESSES: Sequence[tuple[str, str, type[BaseSettings]]] = (
    ("Gateway", "python -m gateway", GatewaySettings),
    ("User tower service", "python -m user_tower_service", UserTowerSettings),
    ("Post index service", "python -m post_index_service", PostIndexSettings),
    ("Bundle sync", "python -m bundle_sync", BundleSyncSettings),
)
OPENING = """# Settings

Each process reads its settings from environment variables. Every setting has a default that works on one machine. A
process that finds a wrong value names the variable on stderr and exits with code 2. Facts of the model, such as
dimensions and history length, are not settings: they come from the bundle.

Where the type is host:port, a process listens on, and calls, any of host:port, [IPv6]:port, unix:PATH and
unix-abstract:NAME. No proxy of the environment is used between the processes.

This page is generated from the settings classes by `make settings`.
"""
ONE_PROCESS = """
## One process

`python -m embedded`, which is what `moodfeed serve --embedded` starts, reads the variables of the gateway, and of the
user tower service those for bundles, threads, the mood cache and the admin tokens; the runtime must be `openvino`. It
ignores the addresses and TLS of the compute services, and publishes its metrics on the gateway's HTTP port.
"""
_WORDS = {str: "text", SecretStr: "text", int: "integer", float: "number", bool: "`true` or `false`", Path: "path"}


def document() -> str:
    """The whole page."""
    return OPENING + "".join(_section(*process) for process in PROCESSES) + ONE_PROCESS


def _section(name: str, command: str, settings: type[BaseSettings]) -> str:
    own = [field for field in settings.model_fields if field not in ServerSettings.model_fields]
    inherited = [field for field in settings.model_fields if field in ServerSettings.model_fields]
    rows = "".join(_row(settings, field) for field in (*own, *inherited))
    return f"\n## {name}\n\n`{command}`\n\n| variable | type | default | meaning |\n|---|---|---|---|\n{rows}"


def _row(settings: type[BaseSettings], name: str) -> str:
    field = settings.model_fields[name]
    variables = " or ".join(f"`{variable}`" for variable in _variables(settings, name, field))
    return f"| {variables} | {_type(name, field)} | {_default(field.default)} | {field.description} |\n"


def _variables(settings: type[BaseSettings], name: str, field: FieldInfo) -> Sequence[str]:
    match field.validation_alias:
        case str() as alias:
            return (alias,)
        case AliasChoices(choices=choices):
            return [str(choice) for choice in choices]
        case _:
            return (f"{settings.model_config.get('env_prefix', '')}{name.upper()}",)


def _type(name: str, field: FieldInfo) -> str:
    if choices := _choices(field.metadata):
        return " or ".join(f"`{choice}`" for choice in choices)
    is_address = name.endswith("address")
    if get_origin(field.annotation) is tuple:
        return f"{'host:port' if is_address else 'text'}, separated by commas"
    word = "host:port" if field.annotation is str and is_address else _word(field.annotation)
    limits = ", ".join(_limits(field.metadata))
    return f"{word}, {limits}" if limits else word


def _word(annotation: object) -> str:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in {Union, UnionType}:
        return " or ".join(_word(part) for part in get_args(annotation) if part is not NoneType)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " or ".join(f"`{member.value}`" for member in annotation)
    return next(word for kind, word in _WORDS.items() if annotation is kind)


def _choices(metadata: Sequence[object]) -> Sequence[str]:
    """The words of a pattern that is a list of them, such as ``^(debug|info)$``."""
    patterns = (getattr(constraint, "pattern", None) for constraint in metadata)
    matches = (re.fullmatch(r"\^\(([a-z|]+)\)\$", pattern) for pattern in patterns if pattern)
    return next((match[1].split("|") for match in matches if match), ())


def _limits(metadata: Sequence[object]) -> Iterator[str]:
    for limit in metadata:
        match limit:
            case Ge(ge=bound):
                yield f"at least {bound}"
            case Gt(gt=bound):
                yield f"above {bound}"
            case Le(le=bound):
                yield f"at most {bound}"


def _default(value: object) -> str:
    match value:
        case None | ():
            return "none"
        case bool():
            return f"`{str(value).lower()}`"
        case Enum():
            return f"`{value.value}`"
        case (tuple(), *_):
            return f"`{';'.join(','.join(part) for part in value)}`"
        case tuple():
            return f"`{','.join(value)}`"
        case _:
            return f"`{value}`"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
