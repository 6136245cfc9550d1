"""The gateway's gRPC edge for posts and rules: messages in, what became of them out."""

import grpc

from gateway.catalog import delete_posts, get_posts, upsert_posts
from gateway.catalog_messages import read_names, read_post, write_kept, write_upserted
from gateway.catalog_types import PostKeeper
from gateway.edge import Deadline
from gateway.rule_messages import read_rule, write_rule
from gateway.rules import check_rule, check_rule_name
from gateway.rules_types import RuleKeeper
from moodfeed.catalog.v1 import catalog_pb2, catalog_pb2_grpc
from moodfeed.rules.v1 import rules_pb2, rules_pb2_grpc
from rpc import wall_clock
from rpc.admission import InFlight


class CatalogService(catalog_pb2_grpc.CatalogServiceServicer):
    """Changes which posts there are, on an event loop."""

    def __init__(self, keeper: PostKeeper, *, in_flight: InFlight, deadline_seconds: float) -> None:
        self._keeper = keeper
        self._in_flight = in_flight
        self._deadline_seconds = deadline_seconds

    async def UpsertPosts(
        self,
        request: catalog_pb2.UpsertPostsRequest,
        context: grpc.aio.ServicerContext[catalog_pb2.UpsertPostsRequest, catalog_pb2.UpsertPostsResponse],
    ) -> catalog_pb2.UpsertPostsResponse:
        """Store posts."""
        clock = Deadline.after(self._deadline_seconds, context.time_remaining())
        rows = [read_post(message) for message in request.posts]
        with self._in_flight.admitted("UpsertPosts"):
            return write_upserted(
                await upsert_posts(rows, keeper=self._keeper, clock=clock, now_ms=wall_clock.now_ms())
            )

    async def DeletePosts(
        self,
        request: catalog_pb2.DeletePostsRequest,
        context: grpc.aio.ServicerContext[catalog_pb2.DeletePostsRequest, catalog_pb2.DeletePostsResponse],
    ) -> catalog_pb2.DeletePostsResponse:
        """Delete posts."""
        clock = Deadline.after(self._deadline_seconds, context.time_remaining())
        with self._in_flight.admitted("DeletePosts"):
            position = await delete_posts(read_names(request), keeper=self._keeper, clock=clock)
        return catalog_pb2.DeletePostsResponse(position=position)

    async def GetPosts(
        self,
        request: catalog_pb2.GetPostsRequest,
        context: grpc.aio.ServicerContext[catalog_pb2.GetPostsRequest, catalog_pb2.GetPostsResponse],
    ) -> catalog_pb2.GetPostsResponse:
        """Return posts."""
        clock = Deadline.after(self._deadline_seconds, context.time_remaining())
        with self._in_flight.admitted("GetPosts"):
            return write_kept(await get_posts(read_names(request), keeper=self._keeper, clock=clock))


class RuleService(rules_pb2_grpc.RuleServiceServicer):
    """Keeps the rules of operators, on an event loop."""

    def __init__(self, keeper: RuleKeeper, *, in_flight: InFlight, deadline_seconds: float) -> None:
        self._keeper = keeper
        self._in_flight = in_flight
        self._deadline_seconds = deadline_seconds

    async def SetRule(
        self,
        request: rules_pb2.SetRuleRequest,
        context: grpc.aio.ServicerContext[rules_pb2.SetRuleRequest, rules_pb2.SetRuleResponse],
    ) -> rules_pb2.SetRuleResponse:
        """Keep a rule."""
        rule = read_rule(request.rule)
        check_rule(rule)
        clock = Deadline.after(self._deadline_seconds, context.time_remaining())
        with self._in_flight.admitted("SetRule"):
            position = await self._keeper.set_rule(rule, seconds=clock.seconds_left())
        return rules_pb2.SetRuleResponse(position=position)

    async def DeleteRule(
        self,
        request: rules_pb2.DeleteRuleRequest,
        context: grpc.aio.ServicerContext[rules_pb2.DeleteRuleRequest, rules_pb2.DeleteRuleResponse],
    ) -> rules_pb2.DeleteRuleResponse:
        """Delete a rule."""
        check_rule_name(request.name)
        clock = Deadline.after(self._deadline_seconds, context.time_remaining())
        with self._in_flight.admitted("DeleteRule"):
            position = await self._keeper.delete_rule(request.name, seconds=clock.seconds_left())
        return rules_pb2.DeleteRuleResponse(position=position)

    async def ListRules(
        self,
        request: rules_pb2.ListRulesRequest,
        context: grpc.aio.ServicerContext[rules_pb2.ListRulesRequest, rules_pb2.ListRulesResponse],
    ) -> rules_pb2.ListRulesResponse:
        """List all rules."""
        clock = Deadline.after(self._deadline_seconds, context.time_remaining())
        with self._in_flight.admitted("ListRules"):
            rules = await self._keeper.list_rules(seconds=clock.seconds_left())
        return rules_pb2.ListRulesResponse(rules=map(write_rule, rules))
