"""The methods of the contract that a gateway serves."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.message import Message

from moodfeed_client.contract import catalog_pb2, feed_pb2, feedback_pb2, rules_pb2

RequestT = TypeVar("RequestT", bound=Message)
ResponseT = TypeVar("ResponseT", bound=Message)


@dataclass(frozen=True, slots=True)
class Method(Generic[RequestT, ResponseT]):
    """A method by its path; ``may_repeat`` if a second call changes nothing, nor answers otherwise."""

    path: str
    request: type[RequestT]
    response: type[ResponseT]
    may_repeat: bool = True


GET_FEED = Method("/moodfeed.feed.v1.FeedService/GetFeed", feed_pb2.GetFeedRequest, feed_pb2.GetFeedResponse)
GET_FEEDS = Method("/moodfeed.feed.v1.FeedService/GetFeeds", feed_pb2.GetFeedsRequest, feed_pb2.GetFeedsResponse)
LIST_CATEGORIES = Method(
    "/moodfeed.feed.v1.FeedService/ListCategories", feed_pb2.ListCategoriesRequest, feed_pb2.ListCategoriesResponse
)
LIST_TRENDING = Method(
    "/moodfeed.feed.v1.FeedService/ListTrending", feed_pb2.ListTrendingRequest, feed_pb2.ListTrendingResponse
)
GET_SIMILAR_POSTS = Method(
    "/moodfeed.feed.v1.FeedService/GetSimilarPosts", feed_pb2.GetSimilarPostsRequest, feed_pb2.GetSimilarPostsResponse
)
RECORD_INTERACTIONS = Method(  # each row has an event_id, which is recorded once
    "/moodfeed.feedback.v1.FeedbackService/RecordInteractions",
    feedback_pb2.RecordInteractionsRequest,
    feedback_pb2.RecordInteractionsResponse,
)
EXPORT_PERSON = Method(
    "/moodfeed.feedback.v1.FeedbackService/ExportPerson",
    feedback_pb2.ExportPersonRequest,
    feedback_pb2.ExportPersonResponse,
)
DELETE_PERSON = Method(
    "/moodfeed.feedback.v1.FeedbackService/DeletePerson",
    feedback_pb2.DeletePersonRequest,
    feedback_pb2.DeletePersonResponse,
)
MERGE_PEOPLE = Method(
    "/moodfeed.feedback.v1.FeedbackService/MergePeople",
    feedback_pb2.MergePeopleRequest,
    feedback_pb2.MergePeopleResponse,
    may_repeat=False,
)
UPSERT_POSTS = Method(
    "/moodfeed.catalog.v1.CatalogService/UpsertPosts", catalog_pb2.UpsertPostsRequest, catalog_pb2.UpsertPostsResponse
)
DELETE_POSTS = Method(
    "/moodfeed.catalog.v1.CatalogService/DeletePosts", catalog_pb2.DeletePostsRequest, catalog_pb2.DeletePostsResponse
)
GET_POSTS = Method(
    "/moodfeed.catalog.v1.CatalogService/GetPosts", catalog_pb2.GetPostsRequest, catalog_pb2.GetPostsResponse
)
SET_RULE = Method("/moodfeed.rules.v1.RuleService/SetRule", rules_pb2.SetRuleRequest, rules_pb2.SetRuleResponse)
DELETE_RULE = Method(
    "/moodfeed.rules.v1.RuleService/DeleteRule",
    rules_pb2.DeleteRuleRequest,
    rules_pb2.DeleteRuleResponse,
    may_repeat=False,
)
LIST_RULES = Method("/moodfeed.rules.v1.RuleService/ListRules", rules_pb2.ListRulesRequest, rules_pb2.ListRulesResponse)
