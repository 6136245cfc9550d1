"""Settings from the environment: an invalid value ends the process at start, with the name of its variable."""

import sys
from typing import TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

_Settings = TypeVar("_Settings", bound=BaseSettings)
WRONG_SETTINGS_EXIT_CODE = 2


def load_settings(settings_class: type[_Settings]) -> _Settings:
    """Read the settings; print a line for each invalid variable and exit with code 2 if there is one."""
    try:
        return settings_class()
    except ValidationError as error:
        prefix = settings_class.model_config.get("env_prefix", "")
        for problem in error.errors():
            name = str(problem["loc"][0])
            variable = name if name.isupper() else f"{prefix}{name.upper()}"
            print(f"{variable}={problem['input']!r}: {problem['msg']}", file=sys.stderr)
        sys.exit(WRONG_SETTINGS_EXIT_CODE)
