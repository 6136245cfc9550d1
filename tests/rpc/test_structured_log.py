"""What a process writes to its log: JSON alone, and nothing that a caller sent."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

OPENING = """
import asyncio, logging, threading, warnings
import structlog
from rpc.structured_log import configure_logging
configure_logging("test", level="info")
"""


def lines_of(program: str, *, variables: Mapping[str, str] | None = None) -> list[dict[str, object]]:
    """The lines that a program logs; fails if one of them is not JSON, or repeats a secret."""
    done = subprocess.run(
        [sys.executable, "-c", OPENING + program],
        env=os.environ | (variables or {}),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert "secret" not in done.stderr, done.stderr
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_a_traceback_says_where_an_error_passed_and_nothing_that_it_passed_with() -> None:
    program = """
def answer(username, mood):
    local = [username, mood]
    try:
        raise KeyError(username)
    except KeyError as error:
        raise RuntimeError(f"cannot answer {local}") from error
try:
    answer("secret ana", "secretly sad")
except RuntimeError as error:
    structlog.get_logger().error("unexpected error", exc_info=error)
try:
    answer("secret ana", "secretly sad")
except RuntimeError:
    structlog.get_logger().exception("unexpected error")
"""
    for line in lines_of(program):
        assert line["event"] == "unexpected error"
        assert [link["type"] for link in line["exception"]] == ["builtins.RuntimeError", "builtins.KeyError"]
        assert line["exception"][0]["places"][-1].endswith(" answer")


@pytest.mark.parametrize(
    ("statement", "event"),
    [
        ("warnings.warn('one\\ntwo')", "one"),
        ("logging.getLogger('uvicorn.error').warning('Invalid HTTP request received.')", "Invalid HTTP request"),
        ("threading.Thread(target=lambda: 1 / 0).start()", "uncaught exception of a thread"),
        ("raise OSError(28, 'no space left')", "uncaught exception"),
        (
            "class Bad:\n    def __del__(self): raise ValueError('secret')\nBad()",
            "exception where none can be raised",
        ),
        (
            (
                "async def fail(): raise ValueError('secret')\n"
                "async def main():\n    task = asyncio.create_task(fail())\n    await asyncio.sleep(0)\n    del task\n"
                "asyncio.run(main())"
            ),
            "Task exception was never retrieved",
        ),
        (
            (
                "try:\n    raise ValueError('secret')\n"
                "except ValueError as error:\n    logging.getLogger('grpc').exception(f'Exception calling: {error}')"
            ),
            "Exception calling: ValueError",
        ),
    ],
)
def test_lines_of_python_and_libraries_have_the_form_of_our_own(statement: str, event: str) -> None:
    (line,) = lines_of(statement)
    assert event in str(line["event"])
    assert line["process"] == "test"
    assert line["level"] in {"warning", "error"}
    assert line["timestamp"]


def test_an_uncaught_exception_is_told_with_its_text() -> None:
    (line,) = lines_of("raise OSError(28, 'no space left')")
    assert "no space left" in str(line["reason"])


def test_the_advice_to_install_something_is_not_written() -> None:
    assert lines_of("logging.getLogger('uvicorn.error').warning('Please use \"pip install uvicorn\"')") == []


def test_grpcs_core_writes_nothing_of_its_own() -> None:
    program = """
import grpc, rpc, socket
from concurrent.futures import ThreadPoolExecutor
with socket.create_server(("127.0.0.1", 0)) as taken:
    server = grpc.server(ThreadPoolExecutor(1), options=[("grpc.so_reuseport", 0)])
    try:
        server.add_insecure_port(f"127.0.0.1:{taken.getsockname()[1]}")
    except RuntimeError:
        structlog.get_logger().info("refused")
"""
    assert [line["event"] for line in lines_of(program)] == ["refused"]


GRPC = """
from concurrent.futures import ThreadPoolExecutor
import grpc
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from rpc.errors import AsyncErrorInterceptor, ErrorInterceptor

def fail(request):
    told = (request.username, request.mood)
    raise RuntimeError(f"cannot answer {told}")

class Service(feed_pb2_grpc.FeedServiceServicer):
    def GetFeed(self, request, context):
        fail(request)

class AsyncService(feed_pb2_grpc.FeedServiceServicer):
    async def GetFeed(self, request, context):
        fail(request)

REQUEST = feed_pb2.GetFeedRequest(username="secret ana", mood="secretly sad")
"""
SYNC = """
server = grpc.server(ThreadPoolExecutor(1), interceptors=[ErrorInterceptor({})])
feed_pb2_grpc.add_FeedServiceServicer_to_server(Service(), server)
port = server.add_insecure_port("127.0.0.1:0")
server.start()
with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
    try:
        feed_pb2_grpc.FeedServiceStub(channel).GetFeed(REQUEST, timeout=20)
    except grpc.RpcError as error:
        structlog.get_logger().info(error.details())
server.stop(0)
"""
ASYNC = """
async def main():
    server = grpc.aio.server(interceptors=[AsyncErrorInterceptor({})])
    feed_pb2_grpc.add_FeedServiceServicer_to_server(AsyncService(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            await feed_pb2_grpc.FeedServiceStub(channel).GetFeed(REQUEST, timeout=20)
        except grpc.RpcError as error:
            structlog.get_logger().info(error.details())
    await server.stop(0)
asyncio.run(main())
"""


@pytest.mark.parametrize("calls", [SYNC, ASYNC])
def test_an_unexpected_error_over_grpc_logs_neither_username_nor_mood(calls: str) -> None:
    error, answer = lines_of(GRPC + calls)
    assert error["event"] == "unexpected error"
    assert any(place.endswith(" fail") for place in error["exception"][0]["places"])
    assert answer["event"] == "internal error"
