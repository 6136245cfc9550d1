"""The settings of the post index service; facts about the model come from the bundle instead."""

from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from compute.store_settings import StoreSettings
from post_collection.address import milvus_address
from post_collection.server import client_is_installed
from post_index_service.division import MOST_SHARDS
from post_index_service.kept_moments import kept_seconds
from rpc.environment import lower_case
from rpc.server_settings import variable_of


class Settings(StoreSettings):
    """Read from MOODFEED_POST_INDEX_*, and from MOODFEED_BUNDLES, which both compute services share."""

    model_config = SettingsConfigDict(env_prefix="MOODFEED_POST_INDEX_", frozen=True)

    address: str = Field("127.0.0.1:50052", description="host and port of the gRPC server")
    bundles: Path = Field(
        Path("bundles"),
        validation_alias=AliasChoices("MOODFEED_POST_INDEX_BUNDLES", "MOODFEED_BUNDLES"),
        description="directory that holds the bundles and the link `current`",
    )
    page_token_minutes: float = Field(
        15.0,
        gt=0,
        le=1440,
        validation_alias="MOODFEED_PAGE_TOKEN_MINUTES",
        description="minutes that a page token is valid, as at the gateway: earlier states of posts and rules are kept "
        "for that time and a minute more",
    )
    exploration_share: float = Field(
        0.0,
        ge=0,
        le=1,
        allow_inf_nan=False,
        validation_alias="MOODFEED_EXPLORATION_SHARE",
        description="set to the gateway's value; above 0, the index counts how often new posts are shown",
    )
    shards: int = Field(
        1,
        ge=1,
        le=MOST_SHARDS,
        description="over how many services the posts are divided, by category; the gateway names them all",
    )
    shard: int = Field(0, ge=0, validate_default=True, description="which of them this one is, from 0 on")
    engine: Annotated[str, BeforeValidator(lower_case), Field(pattern="^(faiss|milvus)$")] = Field(
        "faiss",
        description="search engine for vectors: `faiss` searches quantized codes in the memory of this process, "
        "`milvus` a Milvus server (docs/milvus.md)",
    )
    milvus_uri: str = Field("http://127.0.0.1:19530", description="URL of the Milvus server")
    milvus_token: SecretStr | None = Field(
        None, description="user:password for the Milvus server; unset if it has no authentication"
    )
    milvus_search: Annotated[str, BeforeValidator(lower_case), Field(pattern="^(exact|fast)$")] = Field(
        "exact",
        description="`fast` also accepts a collection whose index may miss posts; its responses set `approximate`",
    )
    milvus_read: int = Field(
        0,
        ge=0,
        le=16_384,
        description="number of lists that a search of an IVF index reads, or minimum number of candidates of HNSW; 0: "
        "all lists, or as many candidates as posts are requested",
    )
    milvus_local_posts: int = Field(
        4_096,
        ge=0,
        le=1_000_000,
        description="largest number of posts in a category that is searched in this process, without Milvus",
    )
    metrics_port: int = Field(9102, ge=0, le=65535, description="port of the Prometheus metrics; 0 turns them off")

    @field_validator("engine")
    @classmethod
    def _engine_can_be_used(cls, engine: str, info: ValidationInfo) -> str:
        if engine == "milvus" and not client_is_installed():
            raise ValueError("needs pymilvus: pip install 'moodfeed[milvus]'")
        if engine == "milvus" and info.data.get("shards", 1) > 1:
            raise ValueError(
                f"cannot be milvus where {variable_of(cls, 'shards')} is above 1: Milvus divides by itself"
            )
        return engine

    @field_validator("milvus_uri")
    @classmethod
    def _milvus_is_at_a_url(cls, url: str) -> str:
        return milvus_address(url)

    @field_validator("shard")
    @classmethod
    def _shard_is_one_of_them(cls, shard: int, info: ValidationInfo) -> int:
        shards = info.data.get("shards")
        if shards is not None and shard >= shards:
            raise ValueError(f"must be below {variable_of(cls, 'shards')}, which is {shards}: the first shard is 0")
        return shard

    @property
    def kept_seconds(self) -> float:
        """How long the index keeps what posts and rules were."""
        return kept_seconds(self.page_token_minutes)
