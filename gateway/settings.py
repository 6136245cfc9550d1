"""What an operator may set of the gateway."""

from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _split(value: object) -> object:
    """``host:port,host:port`` as a tuple."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Address = Annotated[str, Field(pattern=r"^.+:\d{1,5}$")]
Addresses = Annotated[tuple[Address, ...], NoDecode, BeforeValidator(_split), Field(min_length=1)]
"""host:port of each replica; a name stands for every address that it resolves to."""


class Settings(BaseSettings):
    """Read from MOODFEED_GATEWAY_*."""

    model_config = SettingsConfigDict(env_prefix="MOODFEED_GATEWAY_", frozen=True)

    grpc_address: str = Field("127.0.0.1:50050", description="host and port of the gRPC server")
    http_address: str = Field("127.0.0.1:8000", description="host and port of the HTTP server")
    user_tower_address: Addresses = Field(
        ("127.0.0.1:50051",), description="where the replicas of the user tower service listen, with commas between"
    )
    post_index_address: Addresses = Field(
        ("127.0.0.1:50052",), description="where the replicas of the post index service listen, with commas between"
    )
    attempt_seconds: float = Field(
        0.5, gt=0, description="time after which a replica that does not answer is left for another one"
    )
    most_in_flight: int = Field(32, ge=1, description="requests answered at once; more are refused at once")
    deadline_seconds: float = Field(2.0, gt=0, description="longest time a request may take; callers may ask for less")
    grace_seconds: float = Field(10.0, ge=0, description="how long a stop waits for requests in flight")
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="least severe level logged")
