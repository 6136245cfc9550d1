"""Generates load: keeps a number of requests in flight and checks every answer but an echo's.

python -m benchmarks.load < plan.json > result.json
"""

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any

import aiohttp
import grpc
import orjson

from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc


@dataclass(frozen=True, slots=True)
class Request:
    """A request and the post ids expected; if there are none, only number, uniqueness and category are checked."""

    username: str
    category_id: int
    mood: str = ""
    expected: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """The target and its requests, which are sent in turn for ``seconds``; with ``once``, each is sent at most once."""

    target: str
    protocol: str  # grpc, http, or echo: gRPC without a check of the answers
    in_flight: int
    seconds: float
    requests: tuple[Request, ...]
    once: bool = False


@dataclass(slots=True)
class Result:
    """The outcome of a plan; ``latencies`` are in seconds."""

    answered: int = 0
    wrong: int = 0
    failed: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)


def is_right(request: Request, posts: list[tuple[int, int]]) -> bool:
    """Whether an answer is right; ``posts`` are its (post id, category id)."""
    ids = [post_id for post_id, _ in posts]
    if len(set(ids)) != 10 or any(category_id != request.category_id for _, category_id in posts):
        return False
    return not request.expected or tuple(ids) == request.expected


async def run(plan: Plan) -> Result:
    """Run a plan, with ``in_flight`` requests at a time."""
    result, next_number = Result(), 0
    end = time.perf_counter() + plan.seconds

    async def work(ask: Any) -> None:
        nonlocal next_number
        while time.perf_counter() < end:
            if plan.once and next_number >= len(plan.requests):
                return
            request = plan.requests[next_number % len(plan.requests)]
            next_number += 1
            started = time.perf_counter()
            try:
                posts = await ask(request)
            except Exception as error:  # noqa: BLE001 - every error counts as a failure
                result.failed += 1
                result.examples.append(f"{type(error).__name__}: {str(error)[:300]}")
                continue
            result.latencies.append(time.perf_counter() - started)
            if plan.protocol == "echo" or is_right(request, posts):
                result.answered += 1
            else:
                result.wrong += 1
                result.examples.append(f"{request}: {posts}")

    started = time.perf_counter()
    if plan.protocol == "http":
        connector = aiohttp.TCPConnector(limit=plan.in_flight)
        async with aiohttp.ClientSession(f"http://{plan.target}", connector=connector) as client:

            async def ask_http(request: Request) -> list[tuple[int, int]]:
                parameters: dict[str, str | int] = {"username": request.username, "category_id": request.category_id}
                if request.mood:
                    parameters["mood"] = request.mood
                async with client.get("/feed", params=parameters) as reply:
                    reply.raise_for_status()
                    document = orjson.loads(await reply.read())
                return [(post["post_id"], post["category_id"]) for post in document["posts"]]

            await asyncio.gather(*(work(ask_http) for _ in range(plan.in_flight)))
    else:
        async with grpc.aio.insecure_channel(plan.target) as channel:
            stub = feed_pb2_grpc.FeedServiceStub(channel)

            async def ask_grpc(request: Request) -> list[tuple[int, int]]:
                reply = await stub.GetFeed(
                    feed_pb2.GetFeedRequest(
                        username=request.username, category_id=request.category_id, mood=request.mood
                    ),
                    timeout=10,
                )
                return [(post.post_id, post.category_id) for post in reply.posts]

            await asyncio.gather(*(work(ask_grpc) for _ in range(plan.in_flight)))
    result.seconds = time.perf_counter() - started
    del result.examples[3:]
    return result


def main() -> None:
    """Read a plan, run it, write the result."""
    document = json.load(sys.stdin)
    requests = tuple(
        Request(username, category_id, mood, tuple(expected))
        for username, category_id, mood, expected in document.pop("requests")
    )
    json.dump(asdict(asyncio.run(run(Plan(requests=requests, **document)))), sys.stdout)


if __name__ == "__main__":
    main()
