"""The connection to a Milvus server. pymilvus is imported here when a server is asked for, and nowhere else."""

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pymilvus import MilvusClient

CONNECT_SECONDS = 5.0
_REST_SECONDS = 0.5


class MilvusUnavailableError(Exception):
    """The server did not answer in time, or not at all."""


class CollectionError(Exception):
    """The collection is not there, not complete, or not what the bundle holds."""


class Server:
    """One Milvus server; every method may be called from several threads."""

    def __init__(self, uri: str, *, token: str = "", connect: "Callable[[], MilvusClient] | None" = None) -> None:
        """``uri`` is as http://127.0.0.1:19530, ``token`` as user:password; nothing is connected before the first call.

        ``connect`` makes another client.
        """
        self.uri = uri
        self._token = token
        self._connect = connect or self._connected
        self._known: MilvusClient | None = None
        self._lock = threading.Lock()
        self._rests_until = 0.0

    def ask(self, method: str, *arguments: object, seconds: float, **options: object) -> Any:
        """Call a method of the client; MilvusUnavailableError if the server does not answer in time.

        After a call that it did not answer, the server rests for half a second: calls fail at once. So an outage costs
        few threads their time.
        """
        from pymilvus.exceptions import MilvusException  # noqa: PLC0415 - only where Milvus is asked for

        if time.monotonic() < self._rests_until:
            raise MilvusUnavailableError(f"Milvus at {self.uri} did not answer a moment ago")
        try:
            return getattr(self._client(), method)(*arguments, timeout=seconds, **options)
        except (MilvusException, OSError) as error:
            if isinstance(error, MilvusException) and is_about_the_request(error):
                raise CollectionError(f"Milvus refuses {method}: {error}") from error
            self._rests_until = time.monotonic() + _REST_SECONDS
            raise MilvusUnavailableError(f"Milvus at {self.uri} does not answer {method}: {error}") from error

    def _client(self) -> "MilvusClient":
        with self._lock:
            if self._known is None:
                self._known = self._connect()
            return self._known

    def _connected(self) -> "MilvusClient":
        from pymilvus import MilvusClient  # noqa: PLC0415

        return MilvusClient(uri=self.uri, token=self._token, timeout=CONNECT_SECONDS)


def is_about_the_request(error: "Any") -> bool:
    """Whether the server is there and refuses what it was asked: another try gives the same."""
    from pymilvus.exceptions import (  # noqa: PLC0415
        AliasNotExistException,
        CollectionNotExistException,
        DescribeCollectionException,
        ParamError,
        SchemaNotReadyException,
    )

    refusals = (
        AliasNotExistException,
        CollectionNotExistException,
        DescribeCollectionException,
        ParamError,
        SchemaNotReadyException,
    )
    return isinstance(error, refusals) or error.code in {100, 1100, 65535 + 1}
