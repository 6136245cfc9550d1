"""A place for bundles in a bucket of S3, or of another service that speaks S3.

``PREFIX/<bundle id>/`` holds the files of a bundle, and the object ``PREFIX/current`` names the bundle to serve. It is
written last and by a conditional put, so that it never names half a bundle, and two publishers do not undo each other.

The address and the credentials come from the standard AWS variables. No error here repeats what the server answered:
it may hold the name of the key.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotModifiedError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import S3Store

from bundle.directory import CURRENT_NAME
from bundle_sync.aws_variables import AwsVariableError, endpoint_and_region, tidy_aws_variables

if TYPE_CHECKING:  # types that obstore has for the checker alone
    from obstore.store import S3Config

_URL = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^?#]*)?")
_BUNDLE_ID = re.compile(r"[0-9a-f]{64}")
_LARGEST_POINTER = 4096  # bytes
_PIECE = 8 * 2**20  # bytes of a file that one request reads
_STATUS = re.compile(r"returned non-2xx status code: (\d{3})")  # nothing else of an answer is repeated
_INSTANCE_ADDRESS = "169.254."  # asked for credentials where no variable gives them


class Fault(StrEnum):
    """Why nothing was taken from the bucket, or given to it."""

    UNREACHABLE = "unreachable"  # no answer, or one that says to try later
    REFUSED = "refused"  # the credentials do not allow it
    MISSING = "missing"  # no such bucket, or nothing published there
    CORRUPT = "corrupt"  # an object is not what its manifest says
    UNWRITABLE = "unwritable"  # the directory of bundles here


class BucketError(Exception):
    """A bucket cannot be used: says which and why."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


class DamagedPointerError(BucketError):
    """``current`` names no bundle; ``tag`` is that of this version of the object, which a publisher may replace."""

    def __init__(self, message: str, *, tag: str) -> None:
        super().__init__(Fault.CORRUPT, message)
        self.tag = tag


class OvertakenError(Exception):
    """Another publisher has changed ``current`` meanwhile."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """What ``current`` says, and the tag of that version of the object."""

    bundle_id: str
    tag: str


class Bucket:
    """The bundles below one s3:// address."""

    def __init__(self, url: str, *, seconds: float = 30.0) -> None:
        """``seconds`` is how long one request may take; a file is read in several. BucketError for a wrong address."""
        if not _URL.fullmatch(url) or not url.isprintable() or {".", ".."} & set(url.split("/")):
            raise BucketError(Fault.MISSING, f"{_shown(url)!r} is not an address of a bucket: write s3://BUCKET/PREFIX")
        self.url = url.rstrip("/")
        tidy_aws_variables()
        try:
            endpoint, region = endpoint_and_region()
        except AwsVariableError as error:
            raise BucketError(Fault.REFUSED, str(error)) from None
        config: S3Config = {"region": region}
        if endpoint:
            config["endpoint"] = endpoint
        name, _, prefix = self.url.removeprefix("s3://").partition("/")
        try:
            self._store = S3Store(
                name,
                prefix=prefix or None,
                config=config,
                client_options={
                    "allow_http": bool(endpoint and endpoint.startswith("http://")),
                    "connect_timeout": timedelta(seconds=min(seconds, 5.0)),
                    "timeout": timedelta(seconds=seconds),
                },
                retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=seconds)},
            )
        except BaseError:
            raise BucketError(
                Fault.REFUSED, "the AWS variables do not go together: is one of key and secret missing?"
            ) from None

    def current(self, *, unless: str | None = None) -> Pointer | None:
        """What is published; None if that is still the version with the tag ``unless``. BucketError if nothing is.

        A server that calls unchanged what it was not asked about, as a proxy does, gives a BucketError too.
        """
        try:
            found = obstore.get(self._store, CURRENT_NAME, options={"if_none_match": unless} if unless else None)
            tag = found.meta["e_tag"] or ""
            if found.meta["size"] > _LARGEST_POINTER:
                raise DamagedPointerError(f"{self.url}/{CURRENT_NAME} is larger than the name of a bundle", tag=tag)
            content = bytes(found.bytes())
        except NotModifiedError:
            if unless is None:
                raise self._corrupt(CURRENT_NAME, "was not sent: the server says that it has not changed") from None
            return None
        except (BaseError, FileNotFoundError) as error:
            raise self._fault(error, CURRENT_NAME) from None
        try:
            bundle_id = json.loads(content)["bundle_id"]
        except (ValueError, KeyError, TypeError):
            bundle_id = None
        if not isinstance(bundle_id, str) or not _BUNDLE_ID.fullmatch(bundle_id):
            raise DamagedPointerError(f"{self.url}/{CURRENT_NAME} does not name a bundle: publish one again", tag=tag)
        return Pointer(bundle_id, tag)

    def point_at(self, bundle_id: str, *, replacing: Pointer | None) -> None:
        """Make a bundle the one to serve, in one step; OvertakenError if ``current`` is not ``replacing`` any more."""
        content = json.dumps({"bundle_id": bundle_id}).encode() + b"\n"
        try:
            if replacing is None:
                obstore.put(self._store, CURRENT_NAME, content, mode="create", use_multipart=False)
            else:
                obstore.put(self._store, CURRENT_NAME, content, mode={"e_tag": replacing.tag}, use_multipart=False)
        except (AlreadyExistsError, PreconditionError):
            raise OvertakenError from None
        except (BaseError, FileNotFoundError) as error:
            raise self._fault(error, CURRENT_NAME) from None

    def upload(self, path: Path, name: str) -> None:
        """Write a file as an object, which appears whole or not at all."""
        try:
            obstore.put(self._store, name, path)
        except (BaseError, FileNotFoundError) as error:
            raise self._fault(error, name) from None

    def pieces(self, name: str, *, largest: int) -> Iterator[bytes]:
        """The bytes of an object in pieces of one version of it; BucketError if there are more than ``largest``."""
        try:
            meta = obstore.head(self._store, name)
            if meta["size"] > largest:
                raise self._corrupt(name, f"has {meta['size']} bytes and not {largest}")
            for start in range(0, meta["size"], _PIECE):
                end = min(start + _PIECE, meta["size"])
                options: obstore.GetOptions = {"range": (start, end)}
                if meta["e_tag"]:
                    options["if_match"] = meta["e_tag"]
                yield bytes(obstore.get(self._store, name, options=options).bytes())
        except (BaseError, FileNotFoundError) as error:
            raise self._fault(error, name) from None

    def _corrupt(self, name: str, reason: str) -> BucketError:
        return BucketError(Fault.CORRUPT, f"{self.url}/{name} {reason}")

    def _fault(self, error: Exception, name: str) -> BucketError:
        """The same without the server's words."""
        where = f"{self.url}/{name}"
        match error:
            case FileNotFoundError():
                return BucketError(Fault.MISSING, f"{where} does not exist")
            case PermissionDeniedError() | UnauthenticatedError():
                return BucketError(
                    Fault.REFUSED,
                    f"{where} is refused: check the credentials, what they allow, and this machine's clock",
                )
            case _ if _INSTANCE_ADDRESS in str(error):
                return BucketError(
                    Fault.REFUSED, "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role"
                )
            case _ if "Received redirect" in str(error):
                return BucketError(
                    Fault.UNREACHABLE, f"{where} cannot be reached: the server redirects; check AWS_REGION"
                )
            case _ if status := _STATUS.search(str(error)):
                return BucketError(Fault.UNREACHABLE, f"{where} cannot be reached: the server answers {status[1]}")
            case _:
                return BucketError(Fault.UNREACHABLE, f"{where} cannot be reached")


def _shown(url: str) -> str:
    """An address that is none, without the user and the password that someone wrote into it."""
    return re.sub(r"//[^/]*@", "//…@", url)
