"""Settings from the environment: an invalid value ends the process at start, with the name of its variable."""

import os
import re
import sys
from collections.abc import MutableMapping, Sequence
from typing import Annotated, NoReturn, TypeVar, get_args

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings

_Settings = TypeVar("_Settings", bound=BaseSettings)
WRONG_SETTINGS_EXIT_CODE = 2
PREFIX = "MOODFEED_"
_KUBERNETES_LINK = "tcp://"
_LARGEST = 10**9
"""Of any number: a larger count or time means a mistake, and overflows where it is used."""
_USER = re.compile(r"//[^/\s]*@")  # of a URL
_LONGEST = 300  # characters of a value or a reason in an error


def lower_case(value: object) -> object:
    """The value in lower case, for settings that are one of some words."""
    return value.lower() if isinstance(value, str) else value


LogLevel = Annotated[str, BeforeValidator(lower_case), Field(pattern="^(debug|info|warning|error)$")]


def tidy_environment(environment: MutableMapping[str, str] = os.environ) -> None:
    """Take white space off both ends of each of our variables, and remove those that are empty then.

    An empty variable is what a template leaves where nothing was filled in, and a value that was read from a file often
    ends with a newline.
    """
    for name in [name for name in environment if name.startswith(PREFIX)]:
        value = environment[name].strip()
        if not value:
            del environment[name]
        elif value != environment[name]:
            environment[name] = value


def load_settings(settings_class: type[_Settings]) -> _Settings:
    """Read the settings; print a line for each invalid variable and exit with code 2 if there is one."""
    tidy_environment()
    try:
        settings = settings_class(_env_ignore_empty=True)
    except ValidationError as error:
        _end_with(
            settings_class,
            [(str(problem["loc"][0]), problem["input"], problem["msg"]) for problem in error.errors()],
        )
    too_large: list[tuple[str, object, str]] = [
        (str(field.validation_alias or name), value, f"must be a number of at most {_LARGEST:,}")
        for name, field in settings_class.model_fields.items()
        if isinstance(value := getattr(settings, name), int | float) and not value <= _LARGEST
    ]
    if too_large:
        _end_with(settings_class, too_large)
    return settings


def _end_with(settings_class: type[BaseSettings], problems: Sequence[tuple[str, object, str]]) -> NoReturn:
    """Print a line for each field and what is wrong with it, and exit.

    Its value is shown unless it is secret; of a URL, the user and the password are left out.
    """
    for name, value, message in problems:
        variable = _variable(settings_class, name)
        shown = "" if _is_secret(settings_class, name) else f"={_short(_USER.sub('//…@', repr(value)))}"
        print(f"{variable}{shown}: {_short(_reason(variable, value, message))}", file=sys.stderr)
    sys.exit(WRONG_SETTINGS_EXIT_CODE)


def _is_secret(settings_class: type[BaseSettings], name: str) -> bool:
    """Whether a field holds a secret, such as a URL with a password; ``name`` is the field's or its alias."""
    fields = settings_class.model_fields
    field = fields.get(name) or next((each for each in fields.values() if each.validation_alias == name), None)
    return field is not None and SecretStr in (field.annotation, *get_args(field.annotation))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _variable(settings_class: type[BaseSettings], name: str) -> str:
    """The variable of a field; ``name`` is the field's or that of its alias, in any case."""
    if name not in settings_class.model_fields:
        return name.upper()
    return f"{settings_class.model_config.get('env_prefix', '')}{name.upper()}"


def _reason(variable: str, value: object, message: str) -> str:
    if isinstance(value, str) and value.startswith(_KUBERNETES_LINK):
        service = variable.removesuffix("_PORT").lower().replace("_", "-")
        return (
            f"this is the address that Kubernetes gives to every pod for a service named {service}: "
            "set enableServiceLinks: false in the pod's specification, or set the variable explicitly there"
        )
    return message.removeprefix("Value error, ")
