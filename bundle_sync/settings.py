"""The settings of the process that follows a bucket; the credentials are in the standard AWS variables."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from bundle.stored_bundles import DEFAULT_KEEP
from rpc.environment import LogLevel


class Settings(BaseSettings):
    """Read from MOODFEED_BUNDLE_SYNC_*, and from MOODFEED_BUNDLES, which the compute services read too."""

    model_config = SettingsConfigDict(env_prefix="MOODFEED_BUNDLE_SYNC_", frozen=True)

    bucket: str = Field(
        "",
        description="what to follow, as s3://BUCKET/PREFIX; the credentials, the region and another service's address "
        "come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION and AWS_ENDPOINT_URL",
    )
    bundles: Path = Field(
        Path("bundles"),
        validation_alias="MOODFEED_BUNDLES",
        description="directory that holds the bundles and the link `current`",
    )
    every_seconds: float = Field(10.0, ge=0.1, le=86_400, description="time between two looks at the bucket")
    keep: int = Field(DEFAULT_KEEP, ge=1, description="number of newest bundles that stay in the directory")
    request_seconds: float = Field(30.0, ge=1, le=3600, description="how long one request to the bucket may take")
    metrics_port: int = Field(9104, ge=0, le=65535, description="port of the Prometheus metrics; 0 turns them off")
    metrics_host: str = Field("127.0.0.1", description="host that the metrics are served on")
    log_level: LogLevel = Field("info", description="lowest severity that is logged")
