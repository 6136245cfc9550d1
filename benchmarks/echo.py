"""The floor: processes like the product's that exchange the same messages and compute nothing.

python -m benchmarks.echo gateway --address HOST:PORT --tower HOST:PORT --index HOST:PORT
python -m benchmarks.echo tower|index|single --address HOST:PORT
"""

import argparse
import asyncio
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc

from moodfeed.embedding.v1 import embedding_pb2
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from moodfeed.post_index.v1 import post_index_pb2, post_index_pb2_grpc
from moodfeed.user_tower.v1 import user_tower_pb2, user_tower_pb2_grpc

THREADS = 2
_BUNDLE = "ab" * 32


def canned_context() -> user_tower_pb2.EncodeContextResponse:
    """A user embedding of 64 dimensions and twenty seen posts."""
    space = embedding_pb2.EmbeddingSpace(bundle_id=_BUNDLE, kind=embedding_pb2.EMBEDDING_KIND_TOWER, dimension=64)
    return user_tower_pb2.EncodeContextResponse(
        user_embedding=embedding_pb2.Embedding(space=space, values=bytes(256)),
        seen_post_ids=range(1_000, 1_020),
        bundle_id=_BUNDLE,
    )


def canned_posts() -> list[dict[str, object]]:
    """Ten posts of realistic length."""
    return [
        {
            "post_id": number,
            "video_link": f"https://video.example/{number}.mp4",
            "title": f"What happens in video number {number}",
            "thumbnail_url": f"https://video.example/{number}.jpg",
            "category_id": 3,
            "owner_username": f"owner{number}",
            "score": 0.5,
        }
        for number in range(100_000, 100_010)
    ]


class Tower(user_tower_pb2_grpc.UserTowerServiceServicer):
    """Always answers with the same context."""

    def __init__(self) -> None:
        self._answer = canned_context()

    def EncodeContext(self, request, context):  # type: ignore[no-untyped-def]
        return self._answer


class Index(post_index_pb2_grpc.PostIndexServiceServicer):
    """Always answers with the same ten posts."""

    def __init__(self) -> None:
        posts = [post_index_pb2.RankedPost(**post) for post in canned_posts()]  # type: ignore[arg-type]
        self._answer = post_index_pb2.SearchPostsResponse(posts=posts, has_more=True, bundle_id=_BUNDLE)

    def SearchPosts(self, request, context):  # type: ignore[no-untyped-def]
        return self._answer


def canned_feed() -> feed_pb2.GetFeedResponse:
    """The feed that every echo returns."""
    posts = [feed_pb2.FeedPost(**post) for post in canned_posts()]  # type: ignore[arg-type]
    return feed_pb2.GetFeedResponse(posts=posts, next_page_token="x" * 90, bundle_id=_BUNDLE)


class Feed(feed_pb2_grpc.FeedServiceServicer):
    """Always answers with the same feed, in one process."""

    def __init__(self) -> None:
        self._answer = canned_feed()

    def GetFeed(self, request, context):  # type: ignore[no-untyped-def]
        return self._answer


class Gateway(feed_pb2_grpc.FeedServiceServicer):
    """Asks the tower and the index, then answers with the same feed."""

    def __init__(self, tower: grpc.aio.Channel, index: grpc.aio.Channel) -> None:
        self._tower = user_tower_pb2_grpc.UserTowerServiceStub(tower)
        self._index = post_index_pb2_grpc.PostIndexServiceStub(index)
        self._answer = canned_feed()

    async def GetFeed(self, request, context):  # type: ignore[no-untyped-def]
        encoded = await self._tower.EncodeContext(
            user_tower_pb2.EncodeContextRequest(username=request.username, mood=request.mood), timeout=2
        )
        await self._index.SearchPosts(
            post_index_pb2.SearchPostsRequest(
                user_embedding=encoded.user_embedding,
                seen_post_ids=encoded.seen_post_ids,
                category_id=request.category_id,
                limit=10,
            ),
            timeout=2,
        )
        return self._answer


def serve_sync(address: str, role: str) -> None:
    """Serve one of the sync roles until SIGTERM."""
    server = grpc.server(ThreadPoolExecutor(THREADS))
    if role == "tower":
        user_tower_pb2_grpc.add_UserTowerServiceServicer_to_server(Tower(), server)
    elif role == "index":
        post_index_pb2_grpc.add_PostIndexServiceServicer_to_server(Index(), server)
    else:
        feed_pb2_grpc.add_FeedServiceServicer_to_server(Feed(), server)
    server.add_insecure_port(address)
    server.start()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    stop.wait()
    server.stop(0).wait()


async def serve_gateway(address: str, tower: str, index: str) -> None:
    """Serve the asyncio gateway until SIGTERM."""
    async with grpc.aio.insecure_channel(tower) as tower_channel, grpc.aio.insecure_channel(index) as index_channel:
        server = grpc.aio.server()
        feed_pb2_grpc.add_FeedServiceServicer_to_server(Gateway(tower_channel, index_channel), server)
        server.add_insecure_port(address)
        await server.start()
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        await stop.wait()
        await server.stop(0)


def main() -> None:
    """Serve the role that the arguments name."""
    parser = argparse.ArgumentParser(description="Serve one process of an echo.")
    parser.add_argument("role", choices=("gateway", "tower", "index", "single"))
    parser.add_argument("--address", required=True)
    parser.add_argument("--tower", default="")
    parser.add_argument("--index", default="")
    arguments = parser.parse_args()
    if arguments.role == "gateway":
        asyncio.run(serve_gateway(arguments.address, arguments.tower, arguments.index))
    else:
        serve_sync(arguments.address, arguments.role)


if __name__ == "__main__":
    main()
