"""What an operator may set of the gateway."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Read from MOODFEED_GATEWAY_*."""

    model_config = SettingsConfigDict(env_prefix="MOODFEED_GATEWAY_", frozen=True)

    grpc_address: str = Field("127.0.0.1:50050", description="host and port of the gRPC server")
    http_address: str = Field("127.0.0.1:8000", description="host and port of the HTTP server")
    user_tower_address: str = Field("127.0.0.1:50051", description="where the user tower service listens")
    post_index_address: str = Field("127.0.0.1:50052", description="where the post index service listens")
    deadline_seconds: float = Field(2.0, gt=0, description="longest time a request may take; callers may ask for less")
    grace_seconds: float = Field(10.0, ge=0, description="how long a stop waits for requests in flight")
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="least severe level logged")
