"""Publish a bundle to a bucket: its files first, then its manifest, then the object ``current``."""

from collections.abc import Callable

from bundle.directory import Bundle
from bundle.file_names import MANIFEST_NAME, REPORT, SIDECAR_NAME
from bundle_sync.bucket import Bucket, BucketError, DamagedPointerError, Fault, OvertakenError, Pointer


def publish_to(bucket: Bucket, bundle: Bundle, *, on_file: Callable[[str], None] = lambda _: None) -> Pointer | None:
    """Write an opened bundle and make it current; returns what was current before, None if no bundle was.

    Every file is written, also where it exists: publishing again mends what was damaged, ``current`` too. BucketError
    if the bucket cannot be used, OvertakenError if another publisher was faster; ``current`` then stays as it is.
    ``on_file`` hears the name of each file before it is written.
    """
    damaged = None
    try:
        replaced = published_in(bucket)
    except DamagedPointerError as error:
        replaced, damaged = None, Pointer("", error.tag)
    beside = [name for name in (SIDECAR_NAME, REPORT) if (bundle.directory / name).is_file()]
    for name in (*bundle.manifest.files, *beside, MANIFEST_NAME):
        on_file(name)
        bucket.upload(bundle.directory / name, f"{bundle.bundle_id}/{name}")
    try:
        bucket.point_at(bundle.bundle_id, replacing=replaced or damaged)
    except OvertakenError:  # by ourselves, where the answer was lost and the request was sent again
        now = published_in(bucket)
        if now is None or now.bundle_id != bundle.bundle_id:
            raise
    return replaced


def published_in(bucket: Bucket) -> Pointer | None:
    """What is current in a bucket; None if nothing was ever published there."""
    try:
        return bucket.current()
    except BucketError as error:
        if error.fault is Fault.MISSING:
            return None
        raise
