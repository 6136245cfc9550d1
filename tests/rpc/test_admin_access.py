"""The admin service of a real server: who may call it."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from moodfeed.bundle.v1 import bundle_pb2, bundle_pb2_grpc
from rpc.admin_access import ADMIN_ERRORS, AdminAccess, AdminForbiddenError, is_loopback_peer
from rpc.errors import read_error_info
from rpc.guard import GuardInterceptor
from rpc.server import ServerOptions, start_server

NAME = "moodfeed.bundle.v1.BundleService"


class Bundles(bundle_pb2_grpc.BundleServiceServicer):
    def GetHeldBundles(self, request, context):  # noqa: N802
        return bundle_pb2.GetHeldBundlesResponse(current_bundle_id="the one")


@contextmanager
def serving(tokens_file: Path | None, *, is_public: bool = False) -> Iterator[grpc.Channel]:
    running = start_server(
        ServerOptions(
            "test",
            "127.0.0.1:0",
            "TEST_ADDRESS",
            pool_size=1,
            grace_seconds=0,
            admin_service=NAME,
            admin_tokens_file=tokens_file,
            is_public=is_public,
        ),
        add_services=lambda server: bundle_pb2_grpc.add_BundleServiceServicer_to_server(Bundles(), server),
        service_names=[NAME],
        errors={},
    )
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        yield channel
    running.stop(0)


def ask(channel: grpc.Channel, *authorizations: str) -> str:
    metadata = [("authorization", value) for value in authorizations]
    stub = bundle_pb2_grpc.BundleServiceStub(channel)
    return stub.GetHeldBundles(bundle_pb2.GetHeldBundlesRequest(), metadata=metadata, timeout=5).current_bundle_id


@pytest.fixture
def tokens_file(tmp_path: Path) -> Path:
    path = tmp_path / "admin"
    path.write_text(f"operator:{hashlib.sha256(b'open sesame').hexdigest()}\n", encoding="utf-8")
    return path


def test_with_a_token_set_up_even_this_machine_must_show_it(tokens_file: Path) -> None:
    with serving(tokens_file) as channel:
        assert ask(channel, "Bearer open sesame") == "the one"
        for wrong in ((), ("Bearer open",), ("open sesame",), ("Bearer open sesame", "Bearer open sesame")):
            with pytest.raises(grpc.RpcError) as caught:
                ask(channel, *wrong)
            assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED
            assert read_error_info(caught.value).reason == "ADMIN_TOKEN_INVALID"
            assert "sesame" not in caught.value.details()


def test_other_services_need_no_admin_token(tokens_file: Path) -> None:
    with serving(tokens_file) as channel:
        health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5)


def test_without_a_token_set_up_this_machine_may_call() -> None:
    with serving(None) as channel:
        assert ask(channel) == "the one"


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "via", "x-real-ip"])
def test_without_a_token_set_up_a_proxy_of_this_machine_passes_no_call_on(header: str, tokens_file: Path) -> None:
    def reason(channel: grpc.Channel, *metadata: tuple[str, str]) -> str:
        call = bundle_pb2_grpc.BundleServiceStub(channel).GetHeldBundles.future(
            bundle_pb2.GetHeldBundlesRequest(), metadata=[(header, "192.0.2.7"), *metadata], timeout=5
        )
        error = call.exception()
        return read_error_info(error).reason if error else ""

    with serving(None) as channel:
        assert reason(channel) == "ADMIN_FORBIDDEN"
    with serving(tokens_file) as channel:
        assert reason(channel, ("authorization", "Bearer open sesame")) == ""


def test_an_address_that_serves_feeds_admits_operators_with_a_token_alone(tokens_file: Path) -> None:
    with (
        serving(None, is_public=True) as channel,
        pytest.raises(grpc.RpcError, match="MOODFEED_ADMIN_TOKEN_FILE") as caught,
    ):
        ask(channel)
    assert read_error_info(caught.value).reason == "ADMIN_FORBIDDEN"
    with serving(tokens_file, is_public=True) as channel:
        assert ask(channel, "Bearer open sesame") == "the one"


class FarCaller:
    """What gRPC tells of a call from another machine, which one machine alone cannot make."""

    def __init__(self) -> None:
        self.aborted: grpc.Status | None = None

    def peer(self) -> str:
        return "ipv4:192.0.2.7:4711"

    def abort_with_status(self, status: grpc.Status) -> None:
        self.aborted = status
        raise AdminForbiddenError


def test_without_a_token_set_up_another_machine_may_not() -> None:
    class Details:
        method = f"/{NAME}/GetHeldBundles"

    handler = grpc.unary_unary_rpc_method_handler(lambda request, context: "never")
    guard = GuardInterceptor(NAME, AdminAccess(None).admit, ADMIN_ERRORS)
    guarded = guard.intercept_service(lambda details: handler, Details())
    caller = FarCaller()
    with pytest.raises(AdminForbiddenError):
        guarded.unary_unary(None, caller)
    assert caller.aborted.code == grpc.StatusCode.PERMISSION_DENIED
    assert b"ADMIN_FORBIDDEN" in dict(caller.aborted.trailing_metadata)["grpc-status-details-bin"]


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        ("ipv4:127.0.0.1:4711", True),
        ("ipv6:%5B::1%5D:4711", True),
        ("ipv6:[::1]:4711", True),
        ("unix:", True),
        ("ipv4:192.0.2.7:127", False),
        ("ipv6:%5B2001:db8::1%5D:4711", False),
        ("ipv6:%5B::ffff:192.0.2.7%5D:4711", False),
        ("", False),
        ("localhost:1", False),
    ],
)
def test_a_peer_is_this_machine_only_by_its_address(peer: str, expected: bool) -> None:
    assert is_loopback_peer(peer) is expected
