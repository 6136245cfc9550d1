"""The settings of the gateway."""

import re
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from gateway.address_lists import Addresses, AddressesOfShards, split_by_commas
from gateway.browser_guard import BrowserGuard
from gateway.token_life import DEFAULT_TOKEN_MINUTES, TokenLife
from rpc.addresses import HostAndPort, read_address
from rpc.environment import LogLevel, lower_case
from rpc.server_settings import ServerSettings, check_pair_fields, in_settings_words, variable_of
from rpc.tls import ClientTls, check_authority
from rpc.token_file import read_token_file
from rpc.wall_clock import SteadyClock

SCOPES = ("feeds", "feedback", "catalog")
"""What an API token may be for: reading feeds, recording what people do, changing posts."""


LARGEST_REQUEST_BYTES = 128 * 1024
"""The largest gRPC message that asks for a feed: enough for 1000 excluded external ids of 120 bytes each."""

LARGEST_FEEDBACK_BYTES = 4 * 1024 * 1024
"""The largest gRPC message that records feedback, or stores posts."""

LARGEST_FEEDS_BYTES = 1024 * 1024
"""The largest request, over gRPC and HTTP alike, that asks for several feeds."""


def _check_origin(origin: str) -> str:
    if origin != "*" and not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/?#@\s]+", origin):
        raise ValueError("is not scheme://host or scheme://host:port, without a path, or *")
    return origin


Origins = Annotated[
    tuple[Annotated[str, AfterValidator(_check_origin)], ...], NoDecode, BeforeValidator(split_by_commas)
]


Hosts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_by_commas)]


class Explorer(StrEnum):
    """Whether the explorer is served, and whether it offers known users."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


class OffOn(StrEnum):
    """A switch."""

    ON = "on"
    OFF = "off"


class Settings(ServerSettings):
    """Read from MOODFEED_GATEWAY_*."""

    model_config = SettingsConfigDict(env_prefix="MOODFEED_GATEWAY_", frozen=True)

    grpc_address: str = Field("127.0.0.1:50050", description="host and port of the gRPC server")
    http_address: str = Field("127.0.0.1:8000", description="host and port of the HTTP server")
    user_tower_address: Addresses = Field(
        ("127.0.0.1:50051",), description="addresses of the replicas of the user tower service, separated by commas"
    )
    post_index_address: AddressesOfShards = Field(
        (("127.0.0.1:50052",),),
        description="addresses of the replicas of the post index service, separated by commas; of an index of several "
        "shards those of each shard, from shard 0 on, separated by semicolons",
    )
    attempt_seconds: float = Field(
        0.5, gt=0, description="seconds after which an unanswered call is tried on another replica"
    )
    context_cache_size: int = Field(
        50_000,
        ge=0,
        description="number of users and number of moods kept in memory; 0 to call the user tower every time",
    )
    keep_alive_seconds: int = Field(
        75,
        ge=1,
        description="seconds that an idle HTTP connection stays open; must exceed the load balancer's, often 60",
    )
    allowed_origins: Origins = Field(
        (),
        description="origins whose pages may call the HTTP API, for instance `https://a.com,https://b.com`, or `*`",
    )
    allowed_hosts: Hosts = Field(
        (),
        description="host names under which HTTP may write without a token, for instance `api.a.com`; IP "
        "addresses and names without a dot always may",
    )
    page_token_minutes: float = Field(
        DEFAULT_TOKEN_MINUTES,
        gt=0,
        validation_alias="MOODFEED_PAGE_TOKEN_MINUTES",
        description="minutes that a page token is valid",
    )
    exploration_share: float = Field(
        0.0,
        ge=0,
        le=1,
        allow_inf_nan=False,
        validation_alias="MOODFEED_EXPLORATION_SHARE",
        description="share of the pages of feeds, 0 to 1, whose last post is a new one that few people have been "
        "shown; set the post index service to the same value",
    )
    explorer: Annotated[Explorer, BeforeValidator(lower_case)] = Field(
        Explorer.AUTO,
        description="whether the explorer is served at /: `on`, `off`, or `auto`, which serves it where HTTP listens "
        "on loopback only",
    )
    explorer_media: Annotated[OffOn, BeforeValidator(lower_case)] = Field(
        OffOn.OFF,
        description="whether the explorer loads thumbnails and videos from their hosts, which then learn what is "
        "viewed: `on` or `off`; with `off` it loads nothing from other hosts",
    )
    explorer_people: Annotated[Explorer, BeforeValidator(lower_case)] = Field(
        Explorer.AUTO,
        description="whether the explorer offers the usernames of known users: `on`, `off`, or `auto`, which offers "
        "them where HTTP listens on loopback only and no API tokens are required",
    )
    most_in_flight: int = Field(
        128, ge=1, description="maximum number of requests in progress; further ones are refused"
    )
    downstream_authority: Path | None = Field(
        None,
        description="PEM file of the authority that signs the compute services' certificates; unset for plaintext",
    )
    downstream_certificate: Path | None = Field(
        None, description="PEM file of the certificate that the gateway presents to the compute services"
    )
    downstream_key: Path | None = Field(
        None, validate_default=True, description="PEM file of the key of that certificate"
    )
    api_tokens_file: Path | None = Field(
        None,
        description="file of the API tokens, one line `name:sha256 of the token` each; a line may end with scopes, "
        "such as `:feedback` or `:feeds,feedback,catalog`, and otherwise allows feeds only; unset for an open API",
    )
    admin_token_file: Path | None = Field(
        None,
        validation_alias="MOODFEED_ADMIN_TOKEN_FILE",
        description="file of admin tokens, lines of name:sha256, for the calls about a person's data and rules, and "
        "about posts without an API token; if unset, these are refused",
    )
    admin_from_this_machine: bool = Field(
        False,
        description="without admin tokens, admit calls about a person's data, posts and rules from this machine, as "
        "`moodfeed run` does; not for a gateway behind a reverse proxy on this machine",
    )
    token_requests_per_second: float = Field(
        0, ge=0, description="sustained requests a second allowed for each token; 0 for no limit"
    )
    feedback_requests_per_second: float = Field(
        0, ge=0, description="sustained calls a second that record interactions, for each token; 0 for no limit"
    )
    catalog_requests_per_second: float = Field(
        0, ge=0, description="sustained calls a second about posts, for each token; 0 for no limit"
    )
    token_burst: int = Field(20, ge=1, description="requests allowed at once for each token after a pause")
    deadline_seconds: float = Field(
        2.0, gt=0, description="longest time a request may take, in seconds; callers may set a shorter deadline"
    )
    grace_seconds: float = Field(10.0, ge=0, description="seconds that shutdown waits for requests in flight")
    log_level: LogLevel = Field("info", description="lowest level that is logged")

    @property
    def has_explorer(self) -> bool:
        """Whether the explorer's page is served."""
        if self.explorer is Explorer.AUTO:
            return self._is_for_this_machine
        return self.explorer is Explorer.ON

    @property
    def explorer_names_people(self) -> bool:
        """Whether the explorer's page offers known people."""
        if self.explorer_people is Explorer.AUTO:
            return self._is_for_this_machine and self.api_tokens_file is None
        return self.explorer_people is Explorer.ON

    @property
    def _is_for_this_machine(self) -> bool:
        """Whether only browsers of this machine reach HTTP; what listens on a Unix socket stands behind a proxy."""
        address = read_address(self.http_address)
        return isinstance(address, HostAndPort) and address.is_loopback

    def token_life(self) -> TokenLife:
        """How long page tokens are valid, by a clock that starts now and does not jump."""
        return TokenLife(round(self.page_token_minutes * 60_000), SteadyClock().now_ms)

    def browser_guard(self) -> BrowserGuard:
        """What HTTP requests may write."""
        return BrowserGuard(
            allowed_origins=frozenset(self.allowed_origins) - {"*"},
            allowed_hosts=frozenset(host.lower() for host in self.allowed_hosts),
            needs_token=self.api_tokens_file is not None,
        )

    def admin_guard(self) -> BrowserGuard:
        """Which HTTP requests may be an operator's: as ``browser_guard``, by the tokens of operators."""
        return replace(self.browser_guard(), needs_token=self.admin_token_file is not None)

    def downstream_tls(self) -> ClientTls | None:
        """TLS for calls to the compute services; None for plaintext."""
        if self.downstream_authority is None:
            return None
        return ClientTls(self.downstream_authority, self.downstream_certificate, self.downstream_key)

    @field_validator("downstream_authority")
    @classmethod
    def _downstream_authority_is_one(cls, path: Path | None) -> Path | None:
        if path is not None:
            in_settings_words(check_authority, path)
        return path

    @field_validator("downstream_certificate")
    @classmethod
    def _certificate_needs_an_authority(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        if path is not None and info.data.get("downstream_authority", path) is None:
            raise ValueError(
                f"needs {variable_of(cls, 'downstream_authority')}: without it, calls to them are plaintext"
            )
        return path

    @field_validator("downstream_key")
    @classmethod
    def _key_and_certificate_are_a_pair_downstream(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        return check_pair_fields(cls, key, info, certificate_field="downstream_certificate")

    @field_validator("api_tokens_file")
    @classmethod
    def _tokens_can_be_read(cls, path: Path | None) -> Path | None:
        if path is not None:
            in_settings_words(lambda file: read_token_file(file, scopes=SCOPES), path)
        return path

    @field_validator("admin_token_file")
    @classmethod
    def _admin_tokens_can_be_read(cls, path: Path | None) -> Path | None:
        if path is not None:
            in_settings_words(read_token_file, path)
        return path

    @field_validator("token_requests_per_second", "feedback_requests_per_second", "catalog_requests_per_second")
    @classmethod
    def _a_rate_is_one_of_tokens(cls, rate: float, info: ValidationInfo) -> float:
        if rate and info.data.get("api_tokens_file", rate) is None:
            raise ValueError(f"needs {variable_of(cls, 'api_tokens_file')}: each token has its own rate limit")
        return rate
