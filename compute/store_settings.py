"""The settings of a compute service that reads the store."""

from collections.abc import Callable
from pathlib import Path

from pydantic import Field, SecretStr, field_validator

from compute.log_tail import REST_SECONDS, LogTail
from compute.settings import ComputeSettings
from store.engine import parse_url
from store.port import Store
from store.sql_store import open_store

# Half of the gateway's default deadline, so that the caller of a write learns in time why it failed.
_LONGEST_WAIT_SECONDS = 1.0


class StoreSettings(ComputeSettings):
    """Settings of a process that holds bundles and follows the store; both compute services read the same variables."""

    store_url: SecretStr | None = Field(
        None,
        validation_alias="MOODFEED_STORE_URL",
        description="store of what people do, posts and rules: `sqlite:///PATH`, or "
        "`postgresql+psycopg://USER@HOST/DATABASE` for several machines; if unset, these are refused, and feeds and "
        "trends come from the bundle alone",
    )
    store_password_file: Path | None = Field(
        None,
        validation_alias="MOODFEED_STORE_PASSWORD_FILE",
        description="file that holds the password of the PostgreSQL user, such as a mounted secret",
    )

    @field_validator("store_url")
    @classmethod
    def _store_can_be_one(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None or not url.get_secret_value():
            return None
        parse_url(url.get_secret_value())
        return url


def opening_of(settings: StoreSettings) -> Callable[[], Store] | None:
    """What opens the store of the settings; None without one."""
    if settings.store_url is None:
        return None
    url, password_file = settings.store_url.get_secret_value(), settings.store_password_file
    return lambda: open_store(url, password_file=password_file, longest_wait=_LONGEST_WAIT_SECONDS)


def log_tail_of(settings: StoreSettings) -> LogTail | None:
    """What follows the store of the settings; None without one."""
    opening = opening_of(settings)
    return None if opening is None else LogTail(opening, rest_seconds=REST_SECONDS)
