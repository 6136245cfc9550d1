"""Settings from the environment: a wrong value ends the process at start and names its variable."""

import sys
from typing import TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

_Settings = TypeVar("_Settings", bound=BaseSettings)
WRONG_SETTINGS_EXIT_CODE = 2


def load_settings(settings_class: type[_Settings]) -> _Settings:
    """Read the settings; on a wrong value print one line for each variable and exit with code 2."""
    try:
        return settings_class()
    except ValidationError as error:
        prefix = settings_class.model_config.get("env_prefix", "")
        for problem in error.errors():
            name = str(problem["loc"][0])
            variable = name if name.isupper() else f"{prefix}{name.upper()}"
            print(f"{variable}={problem['input']!r}: {problem['msg']}", file=sys.stderr)
        sys.exit(WRONG_SETTINGS_EXIT_CODE)
