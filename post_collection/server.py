"""The connection to a Milvus server. Only this module imports pymilvus, and only when a server is used."""

import logging
import threading
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pymilvus import MilvusClient
    from pymilvus.exceptions import MilvusException

TOKEN_VARIABLE = "MOODFEED_POST_INDEX_MILVUS_TOKEN"  # noqa: S105 - the name of a setting
CONNECT_SECONDS = 5.0
_REST_SECONDS = 0.5
_CHANNEL = {
    "grpc.initial_reconnect_backoff_ms": 200,
    "grpc.min_reconnect_backoff_ms": 200,
    "grpc.max_reconnect_backoff_ms": 1_000,  # otherwise two minutes: a server that is back is found late
    "grpc.use_local_subchannel_pool": 1,
}
_NOT_THERE = {100, 1600}  # the server's codes for a collection and for an alias
_NO_DATABASE = 800
_UNANSWERED = {1, 2}  # the codes of the client for an answer that did not come, and for no connection


class MilvusUnavailableError(Exception):
    """The server did not answer in time, or not at all."""


class CollectionError(Exception):
    """The collection is not there, not complete, or not what the bundle holds."""


def client_is_installed() -> bool:
    """Whether pymilvus can be imported; the extra `milvus` brings it."""
    return find_spec("pymilvus") is not None


def _what_happened(error: "MilvusException", method: str) -> str:
    """What continues the server's name, and what to do; of the server's own words none: they may quote a query."""
    import grpc  # noqa: PLC0415

    cause = error.__cause__
    code = cause.code() if isinstance(cause, grpc.Call) else error.code
    if code in {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}:
        return f"refuses the user or the password: {TOKEN_VARIABLE} takes user:password"
    if error.code == _NO_DATABASE:
        return "has no database of the name that the URL's path gives: correct it, or leave the path out"
    if error.code in _UNANSWERED or isinstance(error.code, grpc.StatusCode):
        return f"does not answer: {method}; check that it runs and that this is its URL"
    return f"failed: {method}, code {error.code}"


class Server:
    """One Milvus server; every method may be called from several threads."""

    def __init__(self, uri: str, *, token: str = "") -> None:
        """``uri`` is as http://127.0.0.1:19530, ``token`` as user:password; nothing is connected before a call."""
        self.uri = uri
        self._token = token
        self._known: MilvusClient | None = None
        self._lock = threading.Lock()
        self._rests_until = 0.0

    def ask(self, method: str, *arguments: object, seconds: float, **options: object) -> Any:
        """Call a method of the client.

        MilvusUnavailableError if the server does not answer in time, or not yet, as while it loads a collection again;
        CollectionError if it answers that there is none. After a call that it did not answer, the server rests for half
        a second, and calls fail at once: so an outage costs few threads their time.
        """
        import grpc  # noqa: PLC0415 - only where Milvus is asked for
        from pymilvus.exceptions import MilvusException  # noqa: PLC0415

        if time.monotonic() < self._rests_until:
            raise MilvusUnavailableError(f"Milvus at {self.uri} did not answer the previous call")
        try:
            return getattr(self._client(), method)(*arguments, timeout=seconds, **options)
        except MilvusException as error:
            if error.code in _NOT_THERE:
                raise CollectionError(f"Milvus at {self.uri} has no such collection") from error
            if error.code in _UNANSWERED or isinstance(error.code, grpc.StatusCode):
                self._rests_until = time.monotonic() + _REST_SECONDS
            raise MilvusUnavailableError(f"Milvus at {self.uri} {_what_happened(error, method)}") from error
        except (grpc.RpcError, OSError) as error:
            self._rests_until = time.monotonic() + _REST_SECONDS
            raise MilvusUnavailableError(f"Milvus at {self.uri} does not answer: {method}") from error

    def _client(self) -> "MilvusClient":
        with self._lock:
            if self._known is None:
                self._known = self._connected()
            return self._known

    def _connected(self) -> "MilvusClient":
        from pymilvus import MilvusClient  # noqa: PLC0415

        logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # it would log queries, with a traceback each
        return MilvusClient(
            uri=self.uri, token=self._token, timeout=CONNECT_SECONDS, dedicated=True, grpc_options=dict(_CHANNEL)
        )
