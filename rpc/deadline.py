"""Deadlines: how much of the caller's time is left, and no work for callers that have gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc

from rpc.unary import Request, Response, UnaryInterceptor

if TYPE_CHECKING:
    from rpc.unary import Answer


def remaining_seconds(own_budget: float, time_remaining: float | None) -> float:
    """The deadline of a downstream call: the smaller of our budget and the caller's remaining time; at least 0."""
    return max(0.0, own_budget if time_remaining is None else min(own_budget, time_remaining))


class ExpiredInterceptor(UnaryInterceptor):
    """Drops requests whose deadline passed, or whose caller went away, while they waited for a thread.

    gRPC's core ends a call at its deadline by the monotonic clock. ``time_remaining`` would ask the wall clock, which
    may have jumped since the request came.
    """

    def wrap(self, method: str, answer: Answer[Request, Response]) -> Answer[Request, Response]:  # noqa: ARG002
        """Answer only the callers that still wait."""

        def answer_if_awaited(request: Request, context: grpc.ServicerContext) -> Response:
            if not context.is_active():
                context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "the deadline passed before the work began")
            return answer(request, context)

        return answer_if_awaited
