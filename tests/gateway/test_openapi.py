"""The OpenAPI document and the parser of GET /feed, which are made of the same table."""

from dataclasses import fields

import pytest
from openapi_spec_validator import validate
from starlette.datastructures import QueryParams

from gateway.api_access import ACCESS_ERRORS
from gateway.catalog_types import PostNames
from gateway.edge import ERRORS
from gateway.feed_types import Fallback, FeedRanking, FeedRequest, Filters, Seen, SimilarTo, TrendingRequest
from gateway.http_errors import HTTP_CODES
from gateway.http_parameters import (
    PARAMETERS,
    SIMILAR_PARAMETERS,
    TRENDING_PARAMETERS,
    InvalidParameterError,
    read_feed_request,
    read_similar_query,
    read_trending_query,
)
from gateway.openapi import DOCUMENT
from moodfeed.catalog.v1 import catalog_pb2
from moodfeed.feed.v1 import feed_pb2
from moodfeed.rules.v1 import rules_pb2

FEED = DOCUMENT["paths"]["/feed"]["get"]
SCHEMAS = DOCUMENT["components"]["schemas"]


def test_the_document_is_valid() -> None:
    validate(DOCUMENT)


def test_each_field_of_a_request_is_one_parameter() -> None:
    names = [parameter["name"] for parameter in FEED["parameters"]]
    assert names == [
        "username",
        "category_id",
        "mood",
        "page_size",
        "page_token",
        "exclude",
        "required_bundle_id",
        "strict",
        "exclude_external_ids",
        "at_least_position",
        "seen",
        "remember_served",
        "fallback",
        "category_ids",
        "excluded_category_ids",
        "excluded_owner_usernames",
        "created_after",
        "languages",
        "include_own_posts",
        "diversity",
        "most_per_owner",
        "explain",
        "ids",
    ]
    names_of_fields = [parameter.field.name for parameter in PARAMETERS.values()]
    others = {"seen", "remember_served", "fallback", "similar_to", "shown_post_ids"}
    of_request = [
        item.name.removesuffix("_ms")
        for part in fields(FeedRequest)
        for item in (fields(Filters) if part.name == "filters" else (part,))
    ]
    assert [name for name in names_of_fields if name not in others] == [
        name for name in of_request if name not in others
    ]


def test_a_query_with_every_parameter_is_read_into_its_field() -> None:
    query = {
        "username": "ana",
        "category_id": "-2147483648",
        "mood": "calm 😂",
        "page_size": "7",
        "page_token": "token",
        "exclude": "1,-9223372036854775808,,9223372036854775807,tt0133093",
        "required_bundle_id": "ab",
        "strict": "true",
        "exclude_external_ids": "603",
        "at_least_position": "9223372036854775807",
        "seen": "EXCLUDED",
        "remember_served": "true",
        "fallback": "TRENDING",
        "category_ids": "2,8",
        "excluded_category_ids": "3, ,-4",
        "excluded_owner_usernames": "ana,béla",
        "created_after": "2026-05-04T09:30:00.5+02:00",
        "languages": "en,pt-BR",
        "include_own_posts": "true",
        "diversity": ".5",
        "most_per_owner": "2",
        "explain": "true",
    }
    assert set(query) == set(PARAMETERS)
    assert read_feed_request(QueryParams(query)) == FeedRequest(
        username="ana",
        category_id=-(2**31),
        mood="calm 😂",
        page_size=7,
        page_token="token",
        exclude_post_ids=(1, -(2**63), 2**63 - 1),
        required_bundle_id="ab",
        strict=True,
        exclude_external_ids=("tt0133093", "603"),
        at_least_position=2**63 - 1,
        seen=Seen.EXCLUDED,
        remember_served=True,
        fallback=Fallback.TRENDING,
        filters=Filters(
            category_ids=(2, 8),
            excluded_category_ids=(3, -4),
            excluded_owner_usernames=("ana", "béla"),
            created_after_ms=1_777_879_800_500,
            languages=("en", "pt-BR"),
            include_own_posts=True,
        ),
        diversity=0.5,
        most_per_owner=2,
        explain=True,
    )


@pytest.mark.parametrize("text", ["1777879800500", "2026-05-04T07:30:00.5Z", "2026-05-04T09:30:00.500+02:00"])
def test_a_moment_is_given_by_rfc_3339_or_in_milliseconds(text: str) -> None:
    filters = read_feed_request(QueryParams({"created_after": text})).filters
    assert filters == Filters(created_after_ms=1_777_879_800_500)


def test_the_trends_take_the_parameters_of_their_request() -> None:
    names = [parameter["name"] for parameter in DOCUMENT["paths"]["/trending"]["get"]["parameters"]]
    assert names == ["category_id", "page_size", "page_token", "required_bundle_id", "ids"]
    query = {"category_id": "7", "page_size": "3", "page_token": "token", "required_bundle_id": "ab"}
    assert set(query) == set(TRENDING_PARAMETERS)
    assert read_trending_query(QueryParams(query)) == TrendingRequest(7, 3, "token", "ab")
    assert read_trending_query(QueryParams(dict.fromkeys(query, ""))) == TrendingRequest()
    with pytest.raises(InvalidParameterError, match="unknown parameter 'mood', the known ones are category_id, ids,"):
        read_trending_query(QueryParams({"mood": "calm"}))


def test_similar_posts_take_the_parameters_of_their_request() -> None:
    names = [parameter["name"] for parameter in DOCUMENT["paths"]["/posts/{post_id}/similar"]["get"]["parameters"]]
    of_message = [field.name for field in feed_pb2.GetSimilarPostsRequest.DESCRIPTOR.fields]
    renamed = ["exclude" if name == "exclude_post_ids" else name for name in of_message if name != "external_id"]
    assert names == [*renamed, "ids"]
    assert set(SIMILAR_PARAMETERS) == {*renamed} - {"post_id"}
    query = QueryParams(
        {"username": "ana", "page_size": "3", "exclude": "1,x", "languages": "en,de", "explain": "true"}
    )
    assert read_similar_query(query, PostNames(post_ids=(7,))) == FeedRequest(
        "ana",
        page_size=3,
        exclude_post_ids=(1,),
        exclude_external_ids=("x",),
        filters=Filters(languages=("en", "de")),
        explain=True,
        similar_to=SimilarTo(7),
    )
    asked = SCHEMAS["AskedFeed"]["properties"]
    assert list(asked) == [field.name for field in feed_pb2.GetFeedRequest.DESCRIPTOR.fields]


def test_the_told_post_and_rule_have_the_fields_of_the_contract() -> None:
    for name, message in (("Post", catalog_pb2.Post), ("Rule", rules_pb2.Rule)):
        assert set(SCHEMAS[name]["properties"]) == {field.name for field in message.DESCRIPTOR.fields}


def test_an_empty_parameter_counts_as_missing() -> None:
    assert read_feed_request(QueryParams(dict.fromkeys(PARAMETERS, ""))) == FeedRequest("")
    assert read_feed_request(QueryParams({"category_id": "0"})) == FeedRequest("", category_id=0)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("category_id=2147483648", "category_id is '2147483648', it must be a 32-bit integer"),
        ("exclude=1,9223372036854775808", "exclude is '9223372036854775808', it must be a 64-bit integer"),
        ("page_size=1.0", "page_size is '1.0', it must be a 32-bit integer"),
        ("strict=yes", "strict is 'yes', it must be true or false"),
        ("seen=never", "seen is 'never', it must be one of LAST, EXCLUDED"),
        ("fallback=hot", "fallback is 'hot', it must be one of NONE, POPULAR, TRENDING"),
        ("mood=a&mood=b", "mood is given twice"),
        ("category_ids=2;8", "category_ids is '2;8', it must be a 32-bit integer"),
        ("diversity=much", "diversity is 'much', it must be a number"),
        ("diversity=nan", "diversity is 'nan', it must be a number"),
        ("created_after=yesterday", "created_after is 'yesterday', it must be a time with its offset, such as"),
        ("created_after=2026-05-04T09:30:00", "must be a time with its offset"),
        ("created_after=999999999999999", "created_after is '999999999999999', it must be in the years 1 to 9999"),
        ("colour=red", "unknown parameter 'colour', the known ones are at_least_position, category_id, category_ids,"),
    ],
)
def test_a_malformed_parameter_is_named_with_what_it_must_be(query: str, message: str) -> None:
    with pytest.raises(InvalidParameterError, match=message):
        read_feed_request(QueryParams(query))


def test_the_schemas_have_the_fields_of_the_contract_with_its_comments() -> None:
    post = SCHEMAS["FeedPost"]
    fields = [field.name for field in feed_pb2.FeedPost.DESCRIPTOR.fields]
    assert list(post["properties"]) == fields
    assert post["required"] == [name for name in fields if name != "explanation"]
    assert SCHEMAS["Explanation"]["required"] == ["popularity", "history", "rules", "is_seen"]
    assert post["properties"]["category_id"] == {
        "type": "integer",
        "format": "int32",
        "description": "0 if the post has no category.",
    }
    rankings = SCHEMAS["Feed"]["properties"]["ranking"]["enum"]
    assert set(rankings) >= {ranking.value for ranking in FeedRanking}


def test_every_code_that_an_error_has_is_promised() -> None:
    codes = {str(HTTP_CODES[row.status]) for row in (*ERRORS.values(), *ACCESS_ERRORS.values())}
    assert codes | {"200", "414", "431", "500"} == set(FEED["responses"])
