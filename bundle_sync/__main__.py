"""The process that follows a bucket: `python -m bundle_sync`, or once with `--once`, as before the services start."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable

import structlog
from prometheus_client import start_http_server

from bundle_sync.bucket import Bucket, BucketError, Fault
from bundle_sync.follow import SWITCHED, UNCHANGED, Follower
from bundle_sync.settings import Settings
from rpc.environment import load_settings
from rpc.structured_log import configure_logging

_LAST_SECONDS = 5.0  # for the piece that is coming when the signal comes

_log = structlog.get_logger("bundle_sync.main")


def main() -> int:
    """Follow until SIGTERM or SIGINT, and return 0.

    Returns 2 if the bucket's address or credentials, or the port of the metrics, cannot be used; with ``--once``, 1 if
    the bundle did not arrive. A signal ends it within seconds, whatever it waits for: what has come of a bundle stays
    out of sight, as after a kill.
    """
    parser = argparse.ArgumentParser(
        prog="python -m bundle_sync", description="Keep a directory at the bundle that a bucket publishes."
    )
    parser.add_argument("--once", action="store_true", help="check once; exit with 1 if the bundle did not arrive")
    is_once = parser.parse_args().once
    settings = load_settings(Settings)
    configure_logging("bundle_sync", level=settings.log_level)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        bucket = Bucket(settings.bucket, seconds=settings.request_seconds)
    except BucketError as error:
        named = {"variable": "MOODFEED_BUNDLE_SYNC_BUCKET"} if error.fault is Fault.MISSING else {}  # or in the reason
        _log.error("cannot start", reason=str(error), **named)
        return 2
    follower = Follower(bucket, settings.bundles, keep=settings.keep, stop=stop)
    if is_once:
        return _until(stop, lambda: 0 if follower.look_once() in {SWITCHED, UNCHANGED} else 1, stopped=1)
    if settings.metrics_port:
        place = f"{settings.metrics_host}:{settings.metrics_port}"
        try:
            start_http_server(settings.metrics_port, settings.metrics_host.strip("[]"))
        except OSError as error:
            _log.error(
                "cannot start",
                reason=f"metrics cannot be served on {place}: {error.strerror}; set another port, 0 for none",
                variable="MOODFEED_BUNDLE_SYNC_METRICS_PORT",
            )
            return 2
    return _until(stop, lambda: follower.follow(every_seconds=settings.every_seconds), stopped=0)


def _until(stop: threading.Event, work: Callable[[], int], *, stopped: int) -> int:
    """What the work returns; ``stopped`` if it has not ended soon after ``stop``.

    It has a thread of its own. One that waits for an answer or a lock hears no signal until that comes.
    """
    results: list[int] = []

    def run() -> None:
        try:
            results.append(work())
        finally:
            ended.set()
            stop.set()

    ended = threading.Event()
    threading.Thread(target=run, daemon=True).start()
    stop.wait()
    if ended.wait(_LAST_SECONDS):
        return results[0] if results else 1
    _log.info("stopped while waiting", seconds=_LAST_SECONDS)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(stopped)  # the thread is still in its call


if __name__ == "__main__":
    sys.exit(main())
