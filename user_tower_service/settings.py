"""The settings of the user tower service; facts of the model come from the bundle instead."""

from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from compute.settings import ComputeSettings
from mood_encoder.runtime import Runtime
from store.engine import parse_url
from user_tower_service.live_log import DEFAULT_SERVED_HOURS

MOST_SERVED_HOURS = 24 * 366


class Settings(ComputeSettings):
    """Read from MOODFEED_USER_TOWER_*, and from MOODFEED_BUNDLES, which both compute services share."""

    model_config = SettingsConfigDict(env_prefix="MOODFEED_USER_TOWER_", frozen=True)

    address: str = Field("127.0.0.1:50051", description="host and port of the gRPC server")
    bundles: Path = Field(
        Path("bundles"),
        validation_alias=AliasChoices("MOODFEED_USER_TOWER_BUNDLES", "MOODFEED_BUNDLES"),
        description="directory of the bundles, which holds the link `current`",
    )
    runtime: Runtime = Field(
        Runtime.OPENVINO,
        description="openvino: NumPy and an 8-bit BERT; torch: the full BERT, 5 to 9 times slower, 250 MB more memory",
    )
    mood_cache_size: int = Field(4096, ge=0, description="number of moods whose embeddings are cached")
    store_url: SecretStr | None = Field(
        None,
        validation_alias="MOODFEED_STORE_URL",
        description="store of what people do: `sqlite:///PATH`, or `postgresql+psycopg://USER@HOST/DATABASE` for "
        "several machines; unset, feedback is refused and feeds come from the bundle alone",
    )
    store_password_file: Path | None = Field(
        None,
        validation_alias="MOODFEED_STORE_PASSWORD_FILE",
        description="file that holds the password of the PostgreSQL user, such as a mounted secret",
    )
    live_cache_size: int = Field(
        10_000, ge=0, description="number of people whose embeddings with live interactions are kept in memory"
    )
    served_hours: float = Field(
        DEFAULT_SERVED_HOURS,
        gt=0,
        le=MOST_SERVED_HOURS,
        validation_alias="MOODFEED_SERVED_HOURS",
        description="how long a post that was shown with remember_served is not shown to the same person again; each "
        "remembered page takes 250 bytes of memory meanwhile",
    )
    metrics_port: int = Field(9101, ge=0, le=65535, description="port of the Prometheus metrics; 0 for none")

    @field_validator("store_url")
    @classmethod
    def _store_can_be_one(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None or not url.get_secret_value():
            return None
        parse_url(url.get_secret_value())
        return url
