"""Posts and rules, passed on to the post index service; the gateway's own next searches take a change into account."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import grpc

from gateway.catalog_messages import read_kept, read_results, write_post
from gateway.catalog_types import KeptPost, Post, PostNames, Upserted
from gateway.clients import POST_INDEX, PostIndexStub, feed_error
from gateway.own_writes import OwnWrites
from gateway.rule_messages import read_rule, write_rule
from gateway.rules_types import Rule, RuleNotFoundError
from moodfeed.post_index.v1 import post_index_pb2
from rpc.attempts import Candidates, NoReplicaError, RetryingCalls
from rpc.errors import read_error_info

_WRITE_SECONDS = 30.0  # of one attempt: a write that is slow because of its disk would be slow again elsewhere
_Request = TypeVar("_Request")
_Answer = TypeVar("_Answer")


class _StoreCalls:
    """Calls of the post index service that go to the store; any replica writes for all of them.

    A call that could not be made is made again elsewhere. A change may be made twice and is the same then.
    """

    def __init__(self, replicas: Candidates[PostIndexStub]) -> None:
        self._calls = RetryingCalls(replicas, attempt_seconds=_WRITE_SECONDS)

    async def call(
        self,
        method: Callable[[PostIndexStub], grpc.aio.UnaryUnaryMultiCallable[_Request, _Answer]],
        request: _Request,
        *,
        seconds: float,
    ) -> _Answer:
        """The answer; raises the errors of a feed, RuleNotFoundError."""
        try:
            return await self._calls.call(method, request, seconds=seconds)
        except grpc.aio.AioRpcError as error:
            if read_error_info(error).reason == "RULE_NOT_FOUND":
                raise RuleNotFoundError from error
            raise feed_error(error, POST_INDEX) from error
        except NoReplicaError as error:
            raise feed_error(error, POST_INDEX) from error


class GrpcPosts:
    """A PostKeeper: the post index service behind its replicas."""

    def __init__(self, replicas: Candidates[PostIndexStub], own: OwnWrites) -> None:
        self._calls = _StoreCalls(replicas)
        self._own = own

    async def upsert_posts(self, posts: Sequence[Post], *, seconds: float) -> Upserted:
        """Store posts."""
        request = post_index_pb2.UpsertPostsRequest(posts=map(write_post, posts))
        answer: post_index_pb2.UpsertPostsResponse = await self._calls.call(
            lambda stub: stub.UpsertPosts, request, seconds=seconds
        )
        self._own.note(answer.position)
        return Upserted(answer.position, read_results(answer.results))

    async def delete_posts(self, names: PostNames, *, seconds: float) -> int:
        """Delete posts."""
        request = post_index_pb2.DeletePostsRequest(post_ids=names.post_ids, external_ids=names.external_ids)
        answer: post_index_pb2.DeletePostsResponse = await self._calls.call(
            lambda stub: stub.DeletePosts, request, seconds=seconds
        )
        self._own.note(answer.position)
        return answer.position

    async def get_posts(self, names: PostNames, *, seconds: float) -> Sequence[KeptPost]:
        """The posts that are known."""
        request = post_index_pb2.GetPostsRequest(post_ids=names.post_ids, external_ids=names.external_ids)
        answer: post_index_pb2.GetPostsResponse = await self._calls.call(
            lambda stub: stub.GetPosts, request, seconds=seconds
        )
        return [read_kept(message) for message in answer.posts]


class GrpcRules:
    """A RuleKeeper: the post index service behind its replicas."""

    def __init__(self, replicas: Candidates[PostIndexStub], own: OwnWrites) -> None:
        self._calls = _StoreCalls(replicas)
        self._own = own

    async def set_rule(self, rule: Rule, *, seconds: float) -> int:
        """Keep a rule."""
        request = post_index_pb2.SetRuleRequest(rule=write_rule(rule))
        answer: post_index_pb2.SetRuleResponse = await self._calls.call(
            lambda stub: stub.SetRule, request, seconds=seconds
        )
        self._own.note(answer.position)
        return answer.position

    async def delete_rule(self, name: str, *, seconds: float) -> int:
        """Delete a rule."""
        request = post_index_pb2.DeleteRuleRequest(name=name)
        answer: post_index_pb2.DeleteRuleResponse = await self._calls.call(
            lambda stub: stub.DeleteRule, request, seconds=seconds
        )
        self._own.note(answer.position)
        return answer.position

    async def list_rules(self, *, seconds: float) -> Sequence[Rule]:
        """All rules."""
        answer: post_index_pb2.ListRulesResponse = await self._calls.call(
            lambda stub: stub.ListRules, post_index_pb2.ListRulesRequest(), seconds=seconds
        )
        return [read_rule(message) for message in answer.rules]
