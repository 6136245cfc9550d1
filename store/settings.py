"""Where the store is: the same two variables for every process that opens it."""

from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

from store.engine import DEFAULT_URL, parse_url

STORE_URL, STORE_PASSWORD_FILE = "MOODFEED_STORE_URL", "MOODFEED_STORE_PASSWORD_FILE"


class StoreSettings(BaseSettings):
    """The part of a process's settings that ``open_store`` takes."""

    store_url: str = Field(
        DEFAULT_URL,
        validation_alias=STORE_URL,
        description="database of what people do: sqlite:///PATH, or postgresql+psycopg://USER@HOST/DATABASE",
    )
    store_password_file: Path | None = Field(
        None,
        validation_alias=STORE_PASSWORD_FILE,
        description="file that holds the password of the PostgreSQL user, such as a mounted secret",
    )

    @field_validator("store_url")
    @classmethod
    def _names_a_database(cls, url: str) -> str:
        parse_url(url)
        return url
