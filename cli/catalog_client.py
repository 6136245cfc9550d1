"""Posts and rules at a running gateway, through the public API alone."""

import os
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from cli.gateway_access import GatewayAccess, bearer
from cli.gateway_calls import CALL_SECONDS, calling
from moodfeed.catalog.v1 import catalog_pb2, catalog_pb2_grpc
from moodfeed.rules.v1 import rules_pb2, rules_pb2_grpc
from rpc.channel import open_blocking_channel

ADMIN_TOKEN = "MOODFEED_ADMIN_TOKEN"  # noqa: S105 - the name of a variable
MOST_POSTS = 64
MOST_BYTES = 3 * 1024 * 1024  # of the posts of one call, which may have 4 MiB
MOST_NAMED = 1000
EXTERNAL = "external:"
"""What stands before an external_id where a post is named; anything else is a post_id."""

_POLL_SECONDS = 0.05
_LARGEST_ID = 2**63 - 1
_WAITING = catalog_pb2.POST_STATE_PENDING


class PostNameError(Exception):
    """What is to name a post is neither a post_id nor `external:` and an external_id."""


def read_names(names: Sequence[str]) -> tuple[list[int], list[str]]:
    """The post ids and the external ids that are named; PostNameError."""
    post_ids, external_ids = [], []
    for name in names:
        if name.startswith(EXTERNAL) and len(name) > len(EXTERNAL):
            external_ids.append(name.removeprefix(EXTERNAL))
        elif (
            name.isascii() and name.isdecimal() and len(name) <= len(str(_LARGEST_ID)) and 0 < int(name) <= _LARGEST_ID
        ):
            post_ids.append(int(name))
        else:
            raise PostNameError(f"{name!r} names no post: give a post_id, or {EXTERNAL} and an external_id")
    return post_ids, external_ids


class CatalogClient:
    """A context manager: it holds a channel. Every method raises CallRefusedError.

    Posts need a token of the scope catalog in MOODFEED_API_TOKEN, or an operator's in MOODFEED_ADMIN_TOKEN; rules need
    the latter.
    """

    def __init__(self, gateway: GatewayAccess, environment: Mapping[str, str] = os.environ) -> None:
        self._address = gateway.address
        self._channel = open_blocking_channel(gateway.address, gateway.tls)
        self._posts = catalog_pb2_grpc.CatalogServiceStub(self._channel)
        self._rules = rules_pb2_grpc.RuleServiceStub(self._channel)
        operator = environment.get(ADMIN_TOKEN, "")
        self._of_operator = bearer(operator)
        self._of_writer = bearer(gateway.token or operator)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()

    def upsert(self, posts: Sequence[catalog_pb2.Post]) -> catalog_pb2.UpsertPostsResponse:
        """Store any number of posts, in several calls; the results of all, and the newest position."""
        answer = catalog_pb2.UpsertPostsResponse()
        for part in _parts(posts):
            request = catalog_pb2.UpsertPostsRequest(posts=part)
            with calling(self._address):
                one = self._posts.UpsertPosts(request, metadata=self._of_writer, timeout=CALL_SECONDS)
            answer.results.extend(one.results)
            answer.position = max(answer.position, one.position)
        return answer

    def delete(self, post_ids: Sequence[int], external_ids: Sequence[str]) -> int:
        """Delete at most MOST_NAMED posts; gives the position."""
        request = catalog_pb2.DeletePostsRequest(post_ids=post_ids, external_ids=external_ids)
        with calling(self._address):
            answer = self._posts.DeletePosts(request, metadata=self._of_writer, timeout=CALL_SECONDS)
        return int(answer.position)

    def get(self, post_ids: Sequence[int], external_ids: Sequence[str] = ()) -> list[catalog_pb2.KeptPost]:
        """The posts that are known, of at most MOST_NAMED."""
        request = catalog_pb2.GetPostsRequest(post_ids=post_ids, external_ids=external_ids)
        with calling(self._address):
            answer = self._posts.GetPosts(request, metadata=self._of_writer, timeout=CALL_SECONDS)
        return list(answer.posts)

    def wait_until_visible(self, post_ids: Sequence[int], *, seconds: float) -> float | None:
        """Wait until none of the posts waits for its embeddings; gives the seconds, None if that takes too long."""
        started = time.monotonic()
        waiting = list(post_ids)
        while True:
            waiting = [
                kept.post.post_id
                for start in range(0, len(waiting), MOST_NAMED)
                for kept in self.get(waiting[start : start + MOST_NAMED])
                if kept.state == _WAITING
            ]
            spent = time.monotonic() - started
            if not waiting:
                return spent
            if spent > seconds:
                return None
            time.sleep(_POLL_SECONDS)

    def set_rule(self, rule: rules_pb2.Rule) -> int:
        """Keep a rule; gives the position."""
        request = rules_pb2.SetRuleRequest(rule=rule)
        with calling(self._address):
            answer = self._rules.SetRule(request, metadata=self._of_operator, timeout=CALL_SECONDS)
        return int(answer.position)

    def delete_rule(self, name: str) -> int:
        """Delete a rule; gives the position."""
        request = rules_pb2.DeleteRuleRequest(name=name)
        with calling(self._address):
            answer = self._rules.DeleteRule(request, metadata=self._of_operator, timeout=CALL_SECONDS)
        return int(answer.position)

    def rules(self) -> list[rules_pb2.Rule]:
        """All rules."""
        request = rules_pb2.ListRulesRequest()
        with calling(self._address):
            answer = self._rules.ListRules(request, metadata=self._of_operator, timeout=CALL_SECONDS)
        return list(answer.rules)


def _parts(posts: Sequence[catalog_pb2.Post]) -> list[list[catalog_pb2.Post]]:
    """The posts in their order, in parts that one call can carry."""
    parts: list[list[catalog_pb2.Post]] = []
    room = 0
    for post in posts:
        size = post.ByteSize() + 8
        if not parts or len(parts[-1]) == MOST_POSTS or size > room:
            parts.append([])
            room = MOST_BYTES
        parts[-1].append(post)
        room -= size
    return parts
