"""The addresses of other processes as the gateway's settings list them: of replicas, and of the shards of an index."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

from gateway.shard_names import name_of_shard
from rpc.addresses import read_peer_address

MOST_SHARDS = 64
"""Of the post index, as it takes them."""


def split_by_commas(value: object) -> object:
    """Split ``host:port,host:port`` into a tuple."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _check_peer(address: str) -> str:
    read_peer_address(address)
    return address


def _split_addresses(value: object) -> object:
    """Split ``host:port,host:port``; ValueError if there is none."""
    if not (addresses := split_by_commas(value)):
        raise ValueError("there is no address in it: it takes host:port,host:port")
    return addresses


Address = Annotated[str, AfterValidator(_check_peer)]
Addresses = Annotated[tuple[Address, ...], NoDecode, BeforeValidator(_split_addresses), Field(min_length=1)]
"""The address of each replica in a form of rpc.addresses; a host name stands for all addresses that it resolves to."""


def _split_shards(value: object) -> object:
    """Split ``host:port,host:port;host:port`` into the texts of the shards; ValueError for a shard without any.

    An empty place is where a template had nothing to fill in: without it, the shards after it would have other numbers.
    """
    if not isinstance(value, str):
        return value
    parts = value.split(";")
    for number, part in enumerate(parts):
        if not part.strip(", "):
            shard = f"for {name_of_shard(number, len(parts))}" if len(parts) > 1 else "in it"
            raise ValueError(f"there is no address {shard}: it takes host:port,host:port;host:port")
    return tuple(part.strip() for part in parts)


def _check_shards(shards: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
    """Refuse a process that is listed for two shards: it is one of them at most."""
    listed: dict[str, int] = {}
    for number, addresses in enumerate(shards):
        for address in addresses:
            if listed.setdefault(address, number) != number:
                raise ValueError(f"lists {address} for shard {listed[address]} and for shard {number}")
    return shards


AddressesOfShards = Annotated[
    tuple[Annotated[tuple[Address, ...], BeforeValidator(split_by_commas), Field(min_length=1)], ...],
    NoDecode,
    BeforeValidator(_split_shards),
    Field(min_length=1, max_length=MOST_SHARDS),
    AfterValidator(_check_shards),
]
"""The addresses of the replicas of each shard, in the order of the shards."""
