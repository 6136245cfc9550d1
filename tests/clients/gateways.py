"""The gateways that the cases of clients/conformance/cases.json name, and what the cases know of the world."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import grpc
import pytest

from cli.certificates import write_certificates
from cli.stack import STORE_URL, Addresses, running_stack
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from rpc.probe import is_serving
from rpc.tls import ClientTls
from tests.certificate_files import CertificateFiles
from tests.clients.lossy_gateway import lossy_gateway
from tests.end_to_end.conftest import Running, free_addresses, running_product
from tests.waiting import wait_until

ALL_SCOPES, FEEDS_ALONE, OPERATOR = "token-of-all-scopes", "token-of-feeds-alone", "token-of-an-operator"
NO_SUCH_STORE = "postgresql+psycopg://nobody@127.0.0.1:1/none?connect_timeout=1"

LIFETIME = timedelta(hours=1)

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class World:
    """The running gateways by name, and what the cases call people, posts and categories."""

    gateways: dict[str, Json]
    names: Json
    authority: Path


@contextmanager
def running_world(bundles: Path, directory: Path, *, origin: str) -> Iterator[World]:
    """All gateways before one product, and two products with no store and with a dead one.

    Pages of ``origin`` may call their HTTP.
    """
    secrets = directory / "secrets"
    write_certificates(secrets, lifetime=LIFETIME)
    tokens, admins = directory / "api-tokens", directory / "admin-tokens"
    tokens.write_text(
        f"all:{_hash(ALL_SCOPES)}:feeds,feedback,catalog\nfeeds:{_hash(FEEDS_ALONE)}:feeds\n", encoding="utf-8"
    )
    admins.write_text(f"operator:{_hash(OPERATOR)}\n", encoding="utf-8")
    with ExitStack() as stack, pytest.MonkeyPatch.context() as environment:
        environment.setenv("MOODFEED_GATEWAY_ALLOWED_ORIGINS", origin)
        logs = directory / "logs"
        product = stack.enter_context(running_product(bundles, logs / "open", embedded=False, is_for_one_person=True))
        environment.setenv("MOODFEED_POST_INDEX_METRICS_PORT", "0")
        environment.setenv("MOODFEED_USER_TOWER_METRICS_PORT", "0")
        storeless, broken = free_addresses(), free_addresses()
        stack.enter_context(
            running_stack(bundles, storeless, logs=logs / "storeless", embedded=True, is_for_one_person=True)
        )
        environment.setenv(STORE_URL, NO_SUCH_STORE)
        stack.enter_context(running_stack(bundles, broken, logs=logs / "broken", embedded=True))
        environment.delenv(STORE_URL)

        own = secrets / "gateway"
        tls = {"TLS_CERTIFICATE": str(own / "certificate.pem"), "TLS_KEY": str(own / "key.pem")}
        api, admin = {"API_TOKENS_FILE": str(tokens)}, {"MOODFEED_ADMIN_TOKEN_FILE": str(admins)}
        settings: dict[str, dict[str, str]] = {
            "guarded": api,
            "limited": {**api, "TOKEN_REQUESTS_PER_SECOND": "4", "TOKEN_BURST": "1"},
            "short": {"MOODFEED_PAGE_TOKEN_MINUTES": "0.01"},
            "secure": {**tls, **api, **admin},
            "certified": {**tls, **api, **admin, "TLS_CLIENT_AUTHORITY": str(own / "authority.pem")},
            "alone": {"USER_TOWER_ADDRESS": "127.0.0.1:1", "POST_INDEX_ADDRESS": "127.0.0.1:1"},
        }
        client = {name: str(secrets / "client" / f"{name}.pem") for name in ("authority", "certificate", "key")}
        probe = ClientTls(*map(Path, client.values()))
        gateways = {
            name: stack.enter_context(
                _gateway(product, variables, logs / name, probe if "TLS_KEY" in variables else None)
            )
            for name, variables in settings.items()
        }
        for name in ("guarded", "limited", "secure", "certified"):
            gateways[name]["token"] = ALL_SCOPES
        gateways["secure"]["tls"] = {"authority": client["authority"]}
        gateways["certified"]["tls"] = client
        gateways["uncertified"] = {**gateways["certified"], "tls": gateways["secure"]["tls"]}
        other = CertificateFiles(directory / "other").write("another authority").authority
        gateways["distrusted"] = {**gateways["secure"], "tls": {"authority": str(other)}}
        gateways["open"] = _addresses(product.addresses)
        gateways["storeless"], gateways["broken"] = _addresses(storeless), _addresses(broken)
        gateways["absent"] = _addresses(free_addresses())
        silent = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        silent_address = f"127.0.0.1:{silent.getsockname()[1]}"
        gateways["silent"] = {"grpc": silent_address, "http": f"http://{silent_address}"}
        lossy = stack.enter_context(lossy_gateway(product.addresses.gateway_grpc, product.addresses.gateway_http))
        gateways["lossy"] = gateways["scripted"] = {"grpc": lossy[0], "http": f"http://{lossy[1]}"}
        yield World(gateways, _names(product), Path(client["authority"]))


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _addresses(addresses: Addresses) -> Json:
    return {"grpc": addresses.gateway_grpc, "http": f"http://{addresses.gateway_http}"}


@contextmanager
def _gateway(product: Running, variables: dict[str, str], logs: Path, tls: ClientTls | None) -> Iterator[Json]:
    """A gateway process of its own before the compute services of the product."""
    own, behind = free_addresses(), product.addresses
    logs.mkdir(parents=True)
    usual = {
        "GRPC_ADDRESS": own.gateway_grpc,
        "HTTP_ADDRESS": own.gateway_http,
        "USER_TOWER_ADDRESS": behind.user_tower,
        "POST_INDEX_ADDRESS": behind.post_index,
    }
    named = {
        name if name.startswith("MOODFEED_") else f"MOODFEED_GATEWAY_{name}": value
        for name, value in (usual | variables).items()
    }
    with (
        (logs / "gateway.log").open("wb") as log,
        subprocess.Popen([sys.executable, "-m", "gateway"], env=os.environ | named, stderr=log, stdout=log) as process,
    ):
        try:
            if "POST_INDEX_ADDRESS" in variables:
                wait_until(lambda: _listens(own.gateway_grpc))
            else:
                wait_until(lambda: is_serving(own.gateway_grpc, tls=tls))
            yield {"grpc": own.gateway_grpc, "http": f"http{'s' if tls else ''}://{own.gateway_http}"}
        finally:
            process.terminate()


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=1):
            return True
    except OSError:
        return False


def _names(product: Running) -> Json:
    """What the cases call by ``$name``; ids as the JSON of the contract has them."""
    posts = product.posts.posts
    ids = [str(post.post_id) for post in posts]
    categories = dict(zip(ids, product.posts.category_ids.tolist(), strict=True))
    owners = dict(zip(ids, (post.owner_username for post in posts), strict=True))
    category_id = product.largest_category()
    other = next(found for found in sorted(set(categories.values())) if found not in {0, category_id})
    author = max(product.users.usernames, key=list(owners.values()).count)
    return {
        "known": product.busiest_username(),
        "nobody": "nobody at all",
        "author": author,
        "authors_posts": [post_id for post_id, owner in owners.items() if owner == author],
        "bundle_id": product.bundle.bundle_id,
        "category_id": category_id,
        "other_category_id": other,
        "categories": _categories(product.addresses.gateway_grpc),
        "all_posts": ids,
        "count_but_one": len(ids) - 1,
        "posts_of_category": [post_id for post_id in ids if categories[post_id] == category_id],
        "post_id": next(post_id for post_id in ids if categories[post_id] == category_id and owners[post_id] != author),
        "pinned_id": [post_id for post_id in ids if categories[post_id] == other][-1],
        "many_ids": [str(number) for number in range(1, 1002)],
        "hundred_and_one": [category_id] * 101,
        "long_ids": [f"{number:0200}" for number in range(1000)],
        "feeds_token": FEEDS_ALONE,
        "admin_token": OPERATOR,
    }


def _categories(address: str) -> list[Json]:
    """As the server's own generated code reads them."""
    with grpc.insecure_channel(address) as channel:
        answer = feed_pb2_grpc.FeedServiceStub(channel).ListCategories(feed_pb2.ListCategoriesRequest(), timeout=20)
    return [
        {"category_id": one.category_id, "name": one.name, "post_count": one.post_count} for one in answer.categories
    ]
