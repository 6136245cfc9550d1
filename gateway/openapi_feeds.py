"""The part of the OpenAPI document that is about several feeds at once: what is asked for, and what is answered."""

from collections.abc import Callable

from google.protobuf.descriptor import FieldDescriptor

from gateway.feeds import MOST_FEEDS
from gateway.http_feeds import FEEDS
from gateway.openapi_forms import TOKEN_OR_NONE, Schema, answer, description, object_schema, reference
from moodfeed.feed.v1 import feed_pb2
from moodfeed.feed.v1.feed_comments import COMMENTS

_FEED = "moodfeed.feed.v1"
_SEVERAL: Schema = {
    "type": "object",
    "properties": {
        # Whatever stands in a row, the others are answered.
        "feeds": {
            "type": "array",
            "items": {"anyOf": [reference("AskedFeed"), {}]},
            "minItems": 1,
            "maxItems": MOST_FEEDS,
        },
        "distinct": {"type": "boolean"} | description(f"{_FEED}.GetFeedsRequest.distinct"),
    },
    "required": ["feeds"],
    "additionalProperties": False,
}


def feeds_schemas(value_schema: Callable[[FieldDescriptor], Schema]) -> Schema:
    """The schemas; ``value_schema`` is how a query carries one value of a field."""
    fields = feed_pb2.DESCRIPTOR.message_types_by_name["GetFeedRequest"].fields
    properties: Schema = {field.name: _asked(field, value_schema) | description(field.full_name) for field in fields}
    result: Schema = {"anyOf": [object_schema(feed=reference("Feed")), reference("Error")]}
    return {
        "AskedFeed": {"type": "object", "properties": properties} | description(f"{_FEED}.GetFeedRequest"),
        "Feeds": object_schema(
            results={"type": "array", "items": result} | description(f"{_FEED}.GetFeedsResponse.results")
        ),
    }


def _asked(field: FieldDescriptor, value_schema: Callable[[FieldDescriptor], Schema]) -> Schema:
    """As JSON carries it: integers of 64 bits may be strings."""
    is_long = field.type == FieldDescriptor.TYPE_INT64
    value: Schema = {"type": ["integer", "string"]} if is_long else dict(value_schema(field))
    return {"type": "array", "items": value} if field.is_repeated else value


def feeds_paths(errors: dict[str, Schema], errors_of_writes: dict[str, Schema], *, ids: Schema) -> Schema:
    """The path, with the errors of a feed and those of bodies, and the parameter that says how JSON carries ids."""
    of_bodies = {code: form for code, form in errors_of_writes.items() if code not in errors}
    too_large = {"413": answer("The body is longer than 1 MiB", "Error")}
    of_one_feed = {"404", "412"}  # they stand in its result
    responses = {code: form for code, form in errors.items() if code not in of_one_feed} | of_bodies | too_large
    return {
        FEEDS: {
            "post": {
                "operationId": "getFeeds",
                "summary": COMMENTS[f"{_FEED}.FeedService.GetFeeds"],
                "parameters": [ids],
                "requestBody": {"required": True, "content": {"application/json": {"schema": _SEVERAL}}},
                "responses": {"200": answer("A feed, or an error, for each", "Feeds")} | responses,
                "security": TOKEN_OR_NONE,
            }
        }
    }
