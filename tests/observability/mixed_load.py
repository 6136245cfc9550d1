"""A load of everything that dashboards show: feeds, similar posts, what people do, new posts, and faults of callers."""

import itertools
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import grpc
import httpx

from benchmarks.processes import NO_TLS
from moodfeed.catalog.v1 import catalog_pb2, catalog_pb2_grpc
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from moodfeed.feedback.v1 import feedback_pb2, feedback_pb2_grpc

_PAUSE_SECONDS = 0.02
_MOODS = ("calm and hopeful", "", "😂", "sad")
_FIRST_POST = 10**9


@dataclass(slots=True)
class Load:
    """Who asks, and how many rounds were answered without an error."""

    grpc_address: str
    http: str
    usernames: Sequence[str]
    rounds: int = 0
    errors: list[str] = field(default_factory=list)

    def run(self, stopped: threading.Event) -> None:
        """One round after the other."""
        with grpc.insecure_channel(self.grpc_address) as channel, httpx.Client(trust_env=False, verify=NO_TLS) as http:
            for number in itertools.count():
                if stopped.is_set():
                    return
                try:
                    self._round(number, channel, http)
                    self.rounds += 1
                except (grpc.RpcError, httpx.HTTPError) as error:
                    self.errors.append(str(error))
                time.sleep(_PAUSE_SECONDS)

    def _round(self, number: int, channel: grpc.Channel, http: httpx.Client) -> None:
        feeds, username = feed_pb2_grpc.FeedServiceStub(channel), self.usernames[number % len(self.usernames)]
        request = feed_pb2.GetFeedRequest(
            username=username, mood=_MOODS[number % len(_MOODS)], remember_served=number % 3 == 0
        )
        feed = feeds.GetFeed(request, timeout=5)
        feeds.GetSimilarPosts(feed_pb2.GetSimilarPostsRequest(post_id=feed.posts[0].post_id), timeout=5)
        http.get(f"{self.http}/feed", params={"username": username}, timeout=5)
        self._tell(number, username, feed, channel)
        if number % 5 == 0:
            self._faults_of_callers(feeds, http)
        if number % 10 == 0:
            self._post(number, channel)

    def _tell(self, number: int, username: str, feed: feed_pb2.GetFeedResponse, channel: grpc.Channel) -> None:
        verbs = [verb for verb in feedback_pb2.Verb.values() if verb]
        rows = [
            feedback_pb2.Interaction(
                username=username,
                post_id=post.post_id,
                verb=verb,
                rating_percent=70 if verb == feedback_pb2.VERB_RATING else None,
                feed_id=feed.feed_id,
                place=place,
                event_id=f"{number} {place}",
            )
            for place, (post, verb) in enumerate(zip(feed.posts, itertools.cycle(verbs), strict=False), start=1)
        ]
        rows.append(feedback_pb2.Interaction(username=username, retracts=f"{number} 1"))
        feedback = feedback_pb2_grpc.FeedbackServiceStub(channel)
        feedback.RecordInteractions(feedback_pb2.RecordInteractionsRequest(interactions=rows), timeout=5)

    def _faults_of_callers(self, feeds: feed_pb2_grpc.FeedServiceStub, http: httpx.Client) -> None:
        with suppress(grpc.RpcError):
            feeds.GetFeed(feed_pb2.GetFeedRequest(), timeout=5)
        http.get(f"{self.http}/nowhere", timeout=5)

    def _post(self, number: int, channel: grpc.Channel) -> None:
        post = catalog_pb2.Post(
            post_id=_FIRST_POST + number,
            video_link=f"https://videos.example/{number}.mp4",
            title=f"Waves at dawn {number}",
            owner_username="a poster",
            category_id=1,
            category_name="Sea",
        )
        catalog = catalog_pb2_grpc.CatalogServiceStub(channel)
        catalog.UpsertPosts(catalog_pb2.UpsertPostsRequest(posts=[post]), timeout=5)


@contextmanager
def running_load(grpc_address: str, http: str, usernames: Sequence[str]) -> Iterator[Load]:
    """Ask until the block ends."""
    load, stopped = Load(grpc_address, http, usernames), threading.Event()
    thread = threading.Thread(target=load.run, args=(stopped,), daemon=True)
    thread.start()
    try:
        yield load
    finally:
        stopped.set()
        thread.join()
