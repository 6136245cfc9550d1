"""`moodfeed publish --to s3://BUCKET/PREFIX`: the bundle is current in a bucket, which other machines follow."""

from pathlib import Path

from bundle.directory import open_bundle
from cli.progress import console, working
from pipeline.publish import check_bundle

NEEDS = "moodfeed[s3]"


class BucketRefusalError(Exception):
    """Nothing was published to a bucket: says why."""


def publish_to_bucket(url: str, directory: Path) -> None:
    """Verify a bundle, upload it and make it current there.

    BundleError if it fails verification, BucketError if the bucket cannot be used; what is current stays.
    BucketRefusalError if another publisher was faster, or what talks to buckets is not installed.
    """
    try:
        from bundle_sync.bucket import Bucket, OvertakenError
        from bundle_sync.upload import publish_to
    except ModuleNotFoundError as error:
        if error.name != "obstore":
            raise
        raise BucketRefusalError(f"a bucket needs {error.name}: pip install '{NEEDS}'") from None
    bucket = Bucket(url)
    with working("publish") as note:
        note("verifying")
        bundle = open_bundle(directory)
        check_bundle(bundle)
        try:
            replaced = publish_to(bucket, bundle, on_file=lambda name: note(f"uploading {name}"))
        except OvertakenError:
            raise BucketRefusalError(
                f"another publisher made a bundle current in {url} meanwhile: the same command replaces it"
            ) from None
    console.print(f"Bundle {bundle.bundle_id} is current in {url}.", soft_wrap=True, highlight=False)
    if replaced and replaced.bundle_id != bundle.bundle_id:
        console.print(f"Before it was {replaced.bundle_id}.", soft_wrap=True, highlight=False)
