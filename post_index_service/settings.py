"""What an operator may set of the post index service; facts of the model come from the bundle."""

from pathlib import Path

from pydantic import AliasChoices, Field
from pydantic_settings import SettingsConfigDict

from compute.settings import ComputeSettings


class Settings(ComputeSettings):
    """Read from MOODFEED_POST_INDEX_* (and MOODFEED_BUNDLES, which both compute services share)."""

    model_config = SettingsConfigDict(env_prefix="MOODFEED_POST_INDEX_", frozen=True)

    address: str = Field("127.0.0.1:50052", description="host and port of the gRPC server")
    bundles: Path = Field(
        Path("bundles"),
        validation_alias=AliasChoices("MOODFEED_POST_INDEX_BUNDLES", "MOODFEED_BUNDLES"),
        description="directory of the bundles, with the link `current` in it",
    )
    metrics_port: int = Field(9102, ge=0, le=65535, description="port of Prometheus metrics; 0 for none")
