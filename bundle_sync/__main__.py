"""The process that follows a bucket: `python -m bundle_sync`, or once with `--once`, as before the services start."""

import argparse
import signal
import sys
import threading

import structlog
from prometheus_client import start_http_server

from bundle_sync.bucket import Bucket, BucketError
from bundle_sync.follow import SWITCHED, UNCHANGED, Follower
from bundle_sync.settings import Settings
from rpc.environment import load_settings
from rpc.structured_log import configure_logging

_log = structlog.get_logger("bundle_sync.main")


def main() -> int:
    """Follow until SIGTERM or SIGINT, and return 0.

    Returns 2 if the bucket's address or credentials cannot be used; with ``--once``, 1 if the bundle did not arrive.
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
        _log.error("cannot start", reason=str(error), variable="MOODFEED_BUNDLE_SYNC_BUCKET")
        return 2
    follower = Follower(bucket, settings.bundles, keep=settings.keep, stop=stop)
    if is_once:
        return 0 if follower.look() in {SWITCHED, UNCHANGED} else 1
    if settings.metrics_port:
        start_http_server(settings.metrics_port, settings.metrics_host)
    follower.follow(every_seconds=settings.every_seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
