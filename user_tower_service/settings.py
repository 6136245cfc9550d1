"""The settings of the user tower service; facts of the model come from the bundle instead."""

from importlib.util import find_spec
from pathlib import Path

from pydantic import AliasChoices, Field, field_validator
from pydantic_settings import SettingsConfigDict

from compute.store_settings import StoreSettings
from mood_encoder.runtime import Runtime
from user_tower_service.live_log import DEFAULT_SERVED_HOURS

MOST_SERVED_HOURS = 24 * 366


class Settings(StoreSettings):
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
        description="openvino: NumPy and an 8-bit BERT; torch: the full BERT, 5 to 9 times slower, 250 MB more memory, "
        "and not in the default image",
    )
    mood_cache_size: int = Field(4096, ge=0, description="number of moods whose embeddings are cached")
    live_cache_size: int = Field(
        10_000, ge=0, description="number of people whose embeddings with live interactions are kept in memory"
    )
    served_hours: float = Field(
        DEFAULT_SERVED_HOURS,
        gt=0,
        le=MOST_SERVED_HOURS,
        validation_alias="MOODFEED_SERVED_HOURS",
        description="hours during which a post shown with remember_served is not shown to the same person again; each "
        "remembered page takes 250 bytes of memory for that time",
    )
    metrics_port: int = Field(9101, ge=0, le=65535, description="port of the Prometheus metrics; 0 for none")

    @field_validator("runtime")
    @classmethod
    def _is_installed(cls, runtime: Runtime) -> Runtime:
        """Refuse torch where it is not installed, as in the default image, before a bundle is read."""
        if runtime is Runtime.TORCH and not (find_spec("torch") and find_spec("transformers")):
            raise ValueError(
                "torch is not installed: use the image user_tower_service_torch or moodfeed[user-tower-torch]"
            )
        return runtime
