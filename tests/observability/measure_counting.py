"""Measure what counting shown posts costs the gateway, beside a gateway that does not count.

    python -m tests.observability.measure_counting data/bundles

Both use one user tower and one index, and take turns of a second. Prints the medians of requests a second and of the
gateways' processor time per request, and the processor time of counting one page of 20 posts, by its length alone and
by its posts.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import grpc
from prometheus_client import CollectorRegistry

from benchmarks.processes import free_addresses, one_thread, running_process
from bundle.directory import current_bundle, open_bundle
from bundle.known_users import KnownUsers
from gateway.feed_types import Feed, FeedRanking
from gateway.online_quality import MOST_PAGES_AT_ONCE, OnlineQuality
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from rpc.probe import is_serving
from tests.waiting import wait_until

TURNS, TURN_SECONDS, AT_ONCE = 50, 1.0, 8
_GATEWAY = "from gateway.__main__ import main; raise SystemExit(main())"
_WITHOUT = "import gateway.online_quality as counting; counting.OnlineQuality.count_shown = lambda self, feed: None; "


@contextmanager
def _gateway(variables: dict[str, str], *, counts: bool) -> Iterator[tuple[str, int]]:
    grpc_address, http_address = free_addresses(2)
    addresses = {"MOODFEED_GATEWAY_GRPC_ADDRESS": grpc_address, "MOODFEED_GATEWAY_HTTP_ADDRESS": http_address}
    program = _GATEWAY if counts else _WITHOUT + _GATEWAY
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        env=one_thread() | variables | addresses,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: is_serving(grpc_address), what="the gateway", seconds=60)
        yield grpc_address, process.pid
    finally:
        process.terminate()
        process.wait()


def _turn(address: str, process: int, requests: list[feed_pb2.GetFeedRequest]) -> tuple[float, float]:
    """Requests a second, and microseconds of the gateway's processor time by request."""
    with grpc.insecure_channel(address) as channel:
        ask = feed_pb2_grpc.FeedServiceStub(channel).GetFeed
        waiting = deque(ask.future(request) for request in requests[:AT_ONCE])
        before, started, answered = _processor_seconds(process), time.perf_counter(), 0
        while time.perf_counter() - started < TURN_SECONDS:
            waiting.popleft().result()
            answered += 1
            waiting.append(ask.future(requests[answered % len(requests)]))
        seconds, after = time.perf_counter() - started, _processor_seconds(process)
        for future in waiting:
            future.result()
    return answered / seconds, 1e6 * (after - before) / answered


def _processor_seconds(process: int) -> float:
    """What a process has used since its start, in ticks of a hundredth of a second."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _count_pages() -> dict[str, float]:
    """Microseconds of processor time by page."""
    packed = [
        feed_pb2.FeedPost(
            post_id=10**6 + number, category_id=number % 9, title="t" * 60, video_link="v" * 80, thumbnail_url="u" * 80
        ).SerializeToString()
        for number in range(20)
    ]
    page, counting = Feed(packed, "", "ab" * 32, FeedRanking.USER), OnlineQuality(registry=CollectorRegistry())
    found = {}
    # The first pages are all looked into, and of the others hardly any.
    for what, pages in (("looked into", int(MOST_PAGES_AT_ONCE)), ("by its length", 200_000)):
        started = time.process_time()
        for _ in range(pages):
            counting.count_shown(page)
        found[what] = round(1e6 * (time.process_time() - started) / pages, 2)
    return found


def main(bundles: Path) -> None:
    """Measure and print."""
    usernames = KnownUsers.read(open_bundle(current_bundle(bundles))).usernames[:500]
    requests = [feed_pb2.GetFeedRequest(username=name, page_size=20) for name in usernames]
    index, tower = free_addresses(2)
    variables = {
        "MOODFEED_BUNDLES": str(bundles.absolute()),
        "MOODFEED_POST_INDEX_ADDRESS": index,
        "MOODFEED_USER_TOWER_ADDRESS": tower,
        "MOODFEED_GATEWAY_USER_TOWER_ADDRESS": tower,
        "MOODFEED_GATEWAY_POST_INDEX_ADDRESS": index,
    }
    with tempfile.TemporaryDirectory() as logs:
        names = {"post_index_service": index, "user_tower_service": tower}
        with (
            running_process("post_index_service", logs=Path(logs), variables=variables) as first,
            running_process("user_tower_service", logs=Path(logs), variables=variables) as second,
        ):
            for started in (first, second):
                started.wait_until(partial(is_serving, names[started.name]))
            with _gateway(variables, counts=True) as counting, _gateway(variables, counts=False) as plain:
                for gateway in (counting, plain):
                    _turn(*gateway, requests)
                turns = [
                    (_turn(*counting, requests), _turn(*plain, requests))
                    if number % 2
                    else tuple(reversed((_turn(*plain, requests), _turn(*counting, requests))))
                    for number in range(TURNS)
                ]
    for place, name in ((0, "requests a second"), (1, "microseconds of the gateway by request")):
        with_counts, without = (statistics.median(turn[which][place] for turn in turns) for which in (0, 1))
        shares = statistics.median(turn[0][place] / turn[1][place] - 1 for turn in turns)
        row = {"what": name, "counting": round(with_counts, 1), "not counting": round(without, 1)}
        print(json.dumps(row | {"median of the paired changes": f"{shares:+.2%}"}))
    print(json.dumps({"what": "microseconds to count a page"} | _count_pages()))
    print(json.dumps({"turns": TURNS, "seconds": TURN_SECONDS, "cores": os.cpu_count()}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
