"""Deadlines: how much of the caller's time is left, and no work for callers who have gone."""

from typing import Any

import grpc

from rpc.unary import UnaryInterceptor


def remaining_seconds(own_budget: float, time_remaining: float | None) -> float:
    """Deadline of a downstream call: the smaller of the own budget and what the caller has left; at least 0."""
    return max(0.0, own_budget if time_remaining is None else min(own_budget, time_remaining))


class ExpiredInterceptor(UnaryInterceptor):
    """Drops requests that waited in the pool's queue until their deadline passed or their caller went away.

    gRPC's core ends a call at its deadline by the monotonic clock. ``time_remaining`` would ask the wall clock, which
    may have jumped since the request came.
    """

    def wrap(self, method: str, answer: Any) -> Any:  # noqa: ARG002 - all methods alike
        """Answer only who still waits."""

        def answer_if_awaited(request: Any, context: Any) -> Any:
            if not context.is_active():
                context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "the deadline passed before the work began")
            return answer(request, context)

        return answer_if_awaited
