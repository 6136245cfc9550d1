"""The errors of a call: one class for each way that a caller can react.

MoodfeedError
├── InvalidRequestError          the request can never succeed as it is
│   ├── PageTokenError           start again at the first page
│   └── RequestTooLargeError     send less at once
├── NotFoundError
│   ├── CategoryNotFoundError, PersonNotFoundError, PostNotFoundError, RuleNotFoundError
│   └── UserNotFoundError        give a mood and a category, or a fallback
├── UnauthenticatedError         the token is missing or wrong
├── PermissionDeniedError
│   └── TokenScopeError          the token is valid, and not for this
├── PreconditionError
│   └── BundleNotHeldError       the bundle that the request requires is not held
├── ThrottledError               try again after ``retry_after_seconds``
│   ├── OverloadedError          the gateway has too many requests
│   └── RateLimitedError         this token has asked too often
├── UnavailableError             a later attempt may succeed
│   ├── NoStoreError             not before somebody sets up a store
│   ├── PositionNotReachedError
│   └── StoreUnavailableError
├── DeadlineError                there was no answer in time
└── InternalError                anything else; a fault of the gateway, or of what stands before it
"""

from collections.abc import Mapping, Sequence
from functools import partial

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

_DOMAIN = "moodfeed"
_DETAILS = "grpc-status-details-bin"
_PUSHBACK = "grpc-retry-pushback-ms"


class MoodfeedError(Exception):
    """A call failed.

    ``status`` is the name of the gRPC status, such as NOT_FOUND. ``reason`` is the gateway's own word for what is
    wrong, such as CATEGORY_NOT_FOUND; it is empty if the gateway sent none, as when it could not be reached.
    ``retry_after_seconds`` is how long the gateway asks to wait; None if it does not say, and negative if it asks not
    to try again.
    """

    def __init__(
        self,
        status: str,
        reason: str,
        message: str,
        *,
        metadata: Mapping[str, str] | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(f"{reason or status}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.metadata: Mapping[str, str] = metadata or {}
        self.retry_after_seconds = retry_after_seconds

    def __reduce__(self) -> tuple[object, ...]:
        """For pickle, which would otherwise call the class with one argument."""
        again = partial(type(self), metadata=self.metadata, retry_after_seconds=self.retry_after_seconds)
        return again, (self.status, self.reason, self.message)


class InvalidRequestError(MoodfeedError):
    """The request can never succeed as it is; the message begins with the name of the field."""


class PageTokenError(InvalidRequestError):
    """The page token has expired or belongs to another request: start again at the first page."""


class RequestTooLargeError(InvalidRequestError):
    """The request is larger than the gateway accepts: send less at once."""


class NotFoundError(MoodfeedError):
    """Something that the request names does not exist."""


class CategoryNotFoundError(NotFoundError):
    """No post has this category."""


class PersonNotFoundError(NotFoundError):
    """Nothing is stored about this person."""


class PostNotFoundError(NotFoundError):
    """There is no such post."""


class RuleNotFoundError(NotFoundError):
    """There is no rule of this name."""


class UserNotFoundError(NotFoundError):
    """The user is unknown: give a mood and a category, or a fallback."""


class UnauthenticatedError(MoodfeedError):
    """The token is missing or wrong."""


class PermissionDeniedError(MoodfeedError):
    """The call is not allowed."""


class TokenScopeError(PermissionDeniedError):
    """The token is valid but lacks the scope for this call."""


class PreconditionError(MoodfeedError):
    """The gateway cannot keep a condition of the request."""


class BundleNotHeldError(PreconditionError):
    """The bundle that the request requires is not held; ``metadata`` may name the current one."""


class ThrottledError(MoodfeedError):
    """The gateway refuses the call for now: try again after ``retry_after_seconds``."""


class OverloadedError(ThrottledError):
    """The gateway is overloaded."""


class RateLimitedError(ThrottledError):
    """The token's request rate limit is exceeded."""


class UnavailableError(MoodfeedError):
    """The gateway, or a service behind it, does not answer; a later attempt may succeed."""


class NoStoreError(UnavailableError):
    """The gateway has no store, so nothing can be written; only its operator can change that."""


class PositionNotReachedError(UnavailableError):
    """The log was not read up to ``at_least_position`` in time."""


class StoreUnavailableError(UnavailableError):
    """The store does not answer; feeds continue."""


class DeadlineError(MoodfeedError):
    """The deadline passed before a response came."""


class InternalError(MoodfeedError):
    """Any other error of the gateway, or of a proxy in front of it."""


_BY_STATUS: Mapping[str, type[MoodfeedError]] = {
    "INVALID_ARGUMENT": InvalidRequestError,
    "OUT_OF_RANGE": InvalidRequestError,
    "NOT_FOUND": NotFoundError,
    "UNAUTHENTICATED": UnauthenticatedError,
    "PERMISSION_DENIED": PermissionDeniedError,
    "FAILED_PRECONDITION": PreconditionError,
    "RESOURCE_EXHAUSTED": ThrottledError,
    "UNAVAILABLE": UnavailableError,
    "DEADLINE_EXCEEDED": DeadlineError,
}
_BY_REASON: Mapping[str, type[MoodfeedError]] = {
    "BUNDLE_NOT_HELD": BundleNotHeldError,
    "CATEGORY_NOT_FOUND": CategoryNotFoundError,
    "NO_STORE": NoStoreError,
    "OVERLOADED": OverloadedError,
    "PAGE_TOKEN_INVALID": PageTokenError,
    "PERSON_NOT_FOUND": PersonNotFoundError,
    "POSITION_NOT_REACHED": PositionNotReachedError,
    "POST_NOT_FOUND": PostNotFoundError,
    "RATE_LIMITED": RateLimitedError,
    "REQUEST_TOO_LARGE": RequestTooLargeError,
    "RULE_NOT_FOUND": RuleNotFoundError,
    "STORE_UNAVAILABLE": StoreUnavailableError,
    "TOKEN_SCOPE_MISSING": TokenScopeError,
    "USER_NOT_FOUND": UserNotFoundError,
}


def error_of(
    status: str,
    reason: str,
    message: str,
    *,
    metadata: Mapping[str, str] | None = None,
    retry_after_seconds: float | None = None,
) -> MoodfeedError:
    """The error of a status and a reason; one that this release does not know has the class of its status."""
    kind = _BY_REASON.get(reason) or _BY_STATUS.get(status) or InternalError
    return kind(status, reason, message, metadata=metadata, retry_after_seconds=retry_after_seconds)


def closed() -> UnavailableError:
    """The error of a call of a client that was closed."""
    return UnavailableError("UNAVAILABLE", "", "the client is closed")


def error_of_call(error: grpc.RpcError) -> MoodfeedError:
    """The error of a failed gRPC call.

    CANCELLED reads as UNAVAILABLE: a gateway that is being stopped answers it to calls that never began (grpc#41785).
    """
    if not isinstance(error, grpc.Call | grpc.aio.AioRpcError):  # a channel that was closed, for instance
        return UnavailableError("UNAVAILABLE", "", str(error))
    trailers: Sequence[tuple[str, str | bytes]] = tuple(error.trailing_metadata() or ())
    info, retry = _details(trailers)
    wait = _pushback_seconds(trailers)
    if wait is None and retry.HasField("retry_delay"):
        wait = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
    status = grpc.StatusCode.UNAVAILABLE if error.code() is grpc.StatusCode.CANCELLED else error.code()
    return error_of(
        status.name,
        info.reason if info.domain == _DOMAIN else "",
        error.details() or "",
        metadata=dict(info.metadata),
        retry_after_seconds=wait,
    )


def _details(
    trailers: Sequence[tuple[str, str | bytes]],
) -> tuple[error_details_pb2.ErrorInfo, error_details_pb2.RetryInfo]:
    """The ErrorInfo and the RetryInfo of a failed call, each empty if there is none that can be read."""
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    for key, value in trailers:
        if key != _DETAILS or not isinstance(value, bytes):
            continue
        try:
            for detail in status_pb2.Status.FromString(value).details:
                for message in (info, retry):
                    if detail.Is(message.DESCRIPTOR):
                        detail.Unpack(message)
        except DecodeError:  # what stands before the gateway sent something else: the status is enough
            continue
    return info, retry


def _pushback_seconds(trailers: Sequence[tuple[str, str | bytes]]) -> float | None:
    """What gRFC A6 calls the push-back; what is not a number asks not to try again, as there."""
    for key, value in trailers:
        if key == _PUSHBACK:
            try:
                return int(value) / 1_000
            except ValueError:
                return -1.0
    return None
