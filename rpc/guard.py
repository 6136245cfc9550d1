"""Who may call: a guard asks about every call of one service, before its request is read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Protocol

from rpc.errors import ErrorTable, status_of
from rpc.unary import AsyncUnaryInterceptor, Request, Response, UnaryInterceptor, Wrapping

if TYPE_CHECKING:
    import grpc

    from rpc.unary import Answer, AsyncAnswer, AsyncContext, Handler


class Caller(Protocol):
    """What gRPC tells about a caller."""

    def peer(self) -> str:
        """The caller's address, such as ``ipv4:127.0.0.1:4711``."""

    def invocation_metadata(self) -> Iterable[tuple[str, str | bytes]] | None:
        """The metadata of the call."""


Admit = Callable[[Caller], None]
"""Lets a call pass, or raises one of the exceptions that the guard's error table knows."""


class _Guard(Wrapping):
    """Guards the unary methods of ``service_name``; stands outside the interceptors that read a request."""

    def __init__(
        self, service_name: str, admit: Admit, refusals: ErrorTable, *, methods: Collection[str] | None = None
    ) -> None:
        """``methods`` are the names of the methods that are guarded; None for all."""
        super().__init__()
        self._prefix = f"/{service_name}/"
        self._methods = methods
        self._admit = admit
        self._refusals = refusals

    def wrap_handler(self, method: str, handler: Handler[Request, Response]) -> Handler[Request, Response] | None:
        """Guard a method of the service; its streams are not served at all."""
        if not method.startswith(self._prefix):
            return handler
        if self._methods is not None and method.removeprefix(self._prefix) not in self._methods:
            return handler
        return None if handler.unary_unary is None else super().wrap_handler(method, handler)

    def _refusal(self, caller: Caller, method: str) -> grpc.Status | None:
        """The status that refuses a call; None for a call that is admitted."""
        try:
            self._admit(caller)
        except tuple(self._refusals) as error:
            return status_of(self._refusals, error, method)
        return None


class GuardInterceptor(_Guard, UnaryInterceptor):
    """For a sync server."""

    def wrap(self, method: str, answer: Answer[Request, Response]) -> Answer[Request, Response]:
        """Answer the callers that are admitted."""

        def answer_if_admitted(request: Request, context: grpc.ServicerContext) -> Response:
            refusal = self._refusal(context, method)
            if refusal is not None:
                context.abort_with_status(refusal)
            return answer(request, context)

        return answer_if_admitted


class AsyncGuardInterceptor(_Guard, AsyncUnaryInterceptor):
    """For an asyncio server."""

    def wrap(self, method: str, answer: AsyncAnswer[Request, Response]) -> AsyncAnswer[Request, Response]:
        """Answer the callers that are admitted."""

        async def answer_if_admitted(request: Request, context: AsyncContext[Request, Response]) -> Response:
            refusal = self._refusal(context, method)
            if refusal is not None:
                await context.abort_with_status(refusal)
            return await answer(request, context)

        return answer_if_admitted
