"""What nginx does with the calls of a gateway that dies or hangs while it answers, as configs/nginx.conf tells it.

Two stand-ins are the gateways, so that it is known which of them has which call when one dies.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import grpc
import pytest

from tests.compose.containers import PROJECT, ROOT, TWO_REPLICAS, compose, docker, inspect
from tests.compose.stand_in_gateway import PORT
from tests.compose.stand_in_images import named_images
from tests.waiting import wait_until

NETWORK = f"{PROJECT}-nginx"
READ, WRITE = "/moodfeed.feed.v1.FeedService/GetFeed", "/moodfeed.feedback.v1.FeedbackService/RecordInteractions"

pytestmark = pytest.mark.timeout(900)


@dataclass(frozen=True, slots=True)
class Nginx:
    """A connection to nginx before two stand-ins, which it asks in turns: ``next`` is next, then ``other``."""

    channel: grpc.Channel
    next: str
    other: str

    def start(self, request: bytes, *, method: str = READ) -> grpc.Future:
        """Send a request; the reply is the name of the stand-in that answered."""
        return start(self.channel, request, method=method)

    def ask(self, request: str, *, method: str = READ) -> str:
        """The name of the stand-in that answered."""
        return str(self.start(request.encode(), method=method).result())


def start(channel: grpc.Channel, request: bytes, *, method: str = READ) -> grpc.Future:
    return channel.unary_unary(method, response_deserializer=bytes.decode).future(request, timeout=5)


def in_turns(channel: grpc.Channel) -> list[str]:
    """The two that answer in turns; empty as long as they do not."""
    try:
        names = [start(channel, b"who").result() for _ in range(6)]
    except grpc.RpcError:
        return []
    return names[:2] if len(set(names[:2])) == 2 and names == names[:2] * 3 else []


def is_running(name: str) -> bool:
    return bool(inspect(name)["State"]["Running"])  # type: ignore[index]


@pytest.fixture(scope="module")
def gateway_image(other_images: None) -> str:
    """An image with grpcio; nginx's own is there too."""
    compose("build", "gateway", files=TWO_REPLICAS)
    return f"{PROJECT}-gateway"


@pytest.fixture
def nginx(gateway_image: str) -> Iterator[Nginx]:
    """As docker-compose.replicas.yml starts it."""
    docker("network", "create", NETWORK)
    running = ("run", "--detach", "--network", NETWORK)
    names = [f"{PROJECT}-nginx", f"{PROJECT}-stand-in-1", f"{PROJECT}-stand-in-2"]
    program = f"{ROOT}/tests/compose/stand_in_gateway.py:/stand_in_gateway.py:ro"
    try:
        for name in names[1:]:
            named = ("--name", name, "--hostname", name, "--network-alias", "gateway")
            python = ("--volume", program, "--entrypoint", "python", gateway_image, "/stand_in_gateway.py")
            docker(*running, *named, *python)
        config = ("--tmpfs", "/tmp", "--volume", f"{ROOT}/configs/nginx.conf:/etc/nginx/nginx.conf:ro")
        command = ("--entrypoint", "nginx", named_images()["nginx"], "-g", "daemon off;")
        docker(*running, "--name", names[0], "--user", "nginx", *config, *command)
        address = inspect(names[0])["NetworkSettings"]["Networks"][NETWORK]["IPAddress"]  # type: ignore[index]
        with grpc.insecure_channel(f"{address}:{PORT}") as channel:
            wait_until(lambda: bool(in_turns(channel)), what="both stand-ins answer in turns")
            yield Nginx(channel, *in_turns(channel))
    finally:
        docker("rm", "--force", "--volumes", *names, check=False)
        docker("network", "rm", NETWORK, check=False)


def test_a_read_that_a_gateway_dies_of_is_answered_by_the_other(nginx: Nginx) -> None:
    assert nginx.ask(f"die {nginx.next}") == nginx.other
    wait_until(lambda: not is_running(nginx.next), what="it is dead")


def test_it_is_answered_over_a_new_connection_too(nginx: Nginx) -> None:
    waiting = nginx.start(f"wait {nginx.next}".encode())  # over the one connection to it that nginx has kept
    assert nginx.ask(f"die {nginx.other}") == nginx.next
    assert not waiting.done()
    wait_until(lambda: not is_running(nginx.other), what="the other is dead")
    assert waiting.result() == nginx.next


def test_the_gateway_that_lives_answers_on(nginx: Nginx) -> None:
    assert [nginx.ask(f"die {nginx.next}") for _ in range(50)] == [nginx.other] * 50


def test_a_read_that_a_gateway_never_answers_is_answered_by_the_other(nginx: Nginx) -> None:
    assert nginx.ask(f"hang {nginx.next}") == nginx.other


def test_a_write_is_never_asked_twice(nginx: Nginx) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        nginx.ask(f"die {nginx.next}", method=WRITE)
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    assert nginx.ask("who") == nginx.other


def test_a_read_too_large_to_hold_is_refused_as_grpc_says_it(nginx: Nginx) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        nginx.start(bytes(3 << 20)).result()
    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert raised.value.details() == "the request is larger than 2 MiB"
    assert nginx.start(bytes(1 << 20)).result() in {nginx.next, nginx.other}
