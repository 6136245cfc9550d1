"""The load: a process of its own that keeps so many requests in flight, and looks at every answer but an echo's.

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
    """One request; an empty ``expected`` is not compared, only its category, number and uniqueness."""

    username: str
    category_id: int
    mood: str = ""
    expected: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What to ask of whom: requests are taken in turn for ``seconds``, each of them ``once`` if that is said."""

    target: str
    protocol: str  # grpc, http, or echo: grpc whose answers are not looked at
    in_flight: int
    seconds: float
    requests: tuple[Request, ...]
    once: bool = False


@dataclass(slots=True)
class Result:
    """What came of it; ``latencies`` in seconds."""

    answered: int = 0
    wrong: int = 0
    failed: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)


def is_right(request: Request, posts: list[tuple[int, int]]) -> bool:
    """``posts`` are (post id, category id) of an answer."""
    ids = [post_id for post_id, _ in posts]
    if len(set(ids)) != 10 or any(category_id != request.category_id for _, category_id in posts):
        return False
    return not request.expected or tuple(ids) == request.expected


async def run(plan: Plan) -> Result:
    """Keep ``in_flight`` requests under way."""
    result, place = Result(), 0
    end = time.perf_counter() + plan.seconds

    async def work(ask: Any) -> None:
        nonlocal place
        while time.perf_counter() < end:
            if plan.once and place >= len(plan.requests):
                return
            request = plan.requests[place % len(plan.requests)]
            place += 1
            started = time.perf_counter()
            try:
                posts = await ask(request)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is a failure
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
