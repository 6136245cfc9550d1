"""Print a whole feed, page by page: the id of each post at its source, its ranking score, and the title.

    python examples/python/feed.py USERNAME [MOOD]

MOODFEED_GATEWAY is the gateway's gRPC address, by default 127.0.0.1:50050. MOODFEED_API_TOKEN is the token, if the
gateway needs one. This is bare gRPC; in a project of your own use the client of ``clients/python``, which needs no
generated code and knows errors, retries and pages (docs/clients.md).
"""

import json
import os
import sys
from collections.abc import Iterator

import grpc

from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc

# gRPC makes these retries by itself. When the gateway sends a push-back, gRPC waits exactly that long.
SERVICE_CONFIG = {
    "methodConfig": [
        {
            "name": [{"service": "moodfeed.feed.v1.FeedService"}],
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.1s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED"],
            },
        }
    ]
}


def whole_feed(address: str, token: str, *, username: str, mood: str) -> Iterator[feed_pb2.FeedPost]:
    """Every post of a feed, best first; grpc.RpcError if the gateway refuses the request."""
    metadata = [("authorization", f"Bearer {token}")] if token else []
    request = feed_pb2.GetFeedRequest(username=username, mood=mood, page_size=20)
    with grpc.insecure_channel(address, options=[("grpc.service_config", json.dumps(SERVICE_CONFIG))]) as channel:
        stub = feed_pb2_grpc.FeedServiceStub(channel)
        while True:
            page = stub.GetFeed(request, metadata=metadata, timeout=10)
            yield from page.posts
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token


if __name__ == "__main__":
    gateway, api_token = os.environ.get("MOODFEED_GATEWAY", "127.0.0.1:50050"), os.environ.get("MOODFEED_API_TOKEN", "")
    try:
        for post in whole_feed(gateway, api_token, username=sys.argv[1], mood=" ".join(sys.argv[2:])):
            print(
                post.external_id or post.post_id, f"{post.ranking_score:.3f}", post.title.replace("\n", " "), sep="\t"
            )
    except grpc.RpcError as error:
        sys.exit(f"{error.code().name}: {error.details()}")
