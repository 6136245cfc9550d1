"""The settings of the post index service; facts about the model come from the bundle instead."""

from pathlib import Path

from pydantic import AliasChoices, Field
from pydantic_settings import SettingsConfigDict

from compute.store_settings import StoreSettings


class Settings(StoreSettings):
    """Read from MOODFEED_POST_INDEX_*, and from MOODFEED_BUNDLES, which both compute services share."""

    model_config = SettingsConfigDict(env_prefix="MOODFEED_POST_INDEX_", frozen=True)

    address: str = Field("127.0.0.1:50052", description="host and port of the gRPC server")
    bundles: Path = Field(
        Path("bundles"),
        validation_alias=AliasChoices("MOODFEED_POST_INDEX_BUNDLES", "MOODFEED_BUNDLES"),
        description="directory that holds the bundles and the link `current`",
    )
    metrics_port: int = Field(9102, ge=0, le=65535, description="port of the Prometheus metrics; 0 turns them off")
