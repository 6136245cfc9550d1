"""The sync gRPC edges for posts and rules in one process."""

import grpc

from embedded.catalog import LocalPosts, LocalRules
from embedded.coroutines import run_at_once
from gateway.catalog import delete_posts, get_posts, upsert_posts
from gateway.catalog_messages import read_names, read_post, write_kept, write_upserted
from gateway.edge import Deadline
from gateway.rule_messages import read_rule, write_rule
from gateway.rules import check_rule, check_rule_name
from moodfeed.catalog.v1 import catalog_pb2, catalog_pb2_grpc
from moodfeed.rules.v1 import rules_pb2, rules_pb2_grpc
from rpc import wall_clock


class LocalCatalogService(catalog_pb2_grpc.CatalogServiceServicer):
    """Answers from the store of this process."""

    def __init__(self, posts: LocalPosts, *, deadline_seconds: float) -> None:
        self._posts = posts
        self._deadline_seconds = deadline_seconds

    def UpsertPosts(
        self, request: catalog_pb2.UpsertPostsRequest, context: grpc.ServicerContext
    ) -> catalog_pb2.UpsertPostsResponse:
        """Store posts."""
        rows = [read_post(message) for message in request.posts]
        upserted = upsert_posts(rows, keeper=self._posts, clock=self._clock(context), now_ms=wall_clock.now_ms())
        return write_upserted(run_at_once(upserted))

    def DeletePosts(
        self, request: catalog_pb2.DeletePostsRequest, context: grpc.ServicerContext
    ) -> catalog_pb2.DeletePostsResponse:
        """Delete posts."""
        deleting = delete_posts(read_names(request), keeper=self._posts, clock=self._clock(context))
        return catalog_pb2.DeletePostsResponse(position=run_at_once(deleting))

    def GetPosts(
        self, request: catalog_pb2.GetPostsRequest, context: grpc.ServicerContext
    ) -> catalog_pb2.GetPostsResponse:
        """Return posts."""
        getting = get_posts(read_names(request), keeper=self._posts, clock=self._clock(context))
        return write_kept(run_at_once(getting))

    def _clock(self, context: grpc.ServicerContext) -> Deadline:
        return Deadline.after(self._deadline_seconds, context.time_remaining())


class LocalRuleService(rules_pb2_grpc.RuleServiceServicer):
    """The same for rules."""

    def __init__(self, rules: LocalRules) -> None:
        self._rules = rules

    def SetRule(self, request: rules_pb2.SetRuleRequest, context: grpc.ServicerContext) -> rules_pb2.SetRuleResponse:
        """Keep a rule."""
        rule = read_rule(request.rule)
        check_rule(rule)
        return rules_pb2.SetRuleResponse(position=self._rules.set_now(rule))

    def DeleteRule(
        self, request: rules_pb2.DeleteRuleRequest, context: grpc.ServicerContext
    ) -> rules_pb2.DeleteRuleResponse:
        """Delete a rule."""
        check_rule_name(request.name)
        return rules_pb2.DeleteRuleResponse(position=self._rules.delete_now(request.name))

    def ListRules(
        self, request: rules_pb2.ListRulesRequest, context: grpc.ServicerContext
    ) -> rules_pb2.ListRulesResponse:
        """List all rules."""
        return rules_pb2.ListRulesResponse(rules=map(write_rule, self._rules.list_now()))
