"""The OpenAPI document of the HTTP edge: parameters and schemas from the descriptors and comments of the contract."""

from collections.abc import Mapping

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gateway.feed_types import LARGEST_PAGE_SIZE
from gateway.feedback_types import MOST_INTERACTIONS, VERBS, Result
from gateway.http_parameters import (
    ID_FORMS,
    IDS,
    PARAMETERS,
    SIMILAR_PARAMETERS,
    TRENDING_PARAMETERS,
    Parameter,
)
from gateway.http_paths import SIMILAR
from gateway.json_messages import choices
from gateway.openapi_feeds import feeds_paths, feeds_schemas
from gateway.openapi_forms import NAME, TEXT, TOKEN_OR_NONE, Schema, answer, description, object_schema, reference
from gateway.openapi_people import people_paths, people_schemas
from gateway.openapi_posts import POST_IN_PATH, posts_paths, posts_schemas
from moodfeed.feed.v1 import feed_pb2
from moodfeed.feed.v1.feed_comments import COMMENTS
from moodfeed.feedback.v1 import feedback_pb2

_SCALARS: Mapping[int, Schema] = {
    FieldDescriptor.TYPE_STRING: TEXT,
    FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.TYPE_INT32: {"type": "integer", "format": "int32"},
    FieldDescriptor.TYPE_INT64: {"type": "integer", "format": "int64"},
    FieldDescriptor.TYPE_FLOAT: {"type": "number"},
}
_ID_FORMS: Mapping[str, Schema] = {"post_id": {"type": ["integer", "string"]}}  # a string with ids=string
_ITEM_FORMS: Mapping[str, Schema] = {"exclude": {"items": {"type": ["integer", "string"]}}}
_MESSAGES = {
    "Feed": "GetFeedResponse",
    "FeedPost": "FeedPost",
    "Explanation": "Explanation",
    "HistoryPost": "HistoryPost",
    "Degradation": "Degradation",
    "Trending": "ListTrendingResponse",
    "Similar": "GetSimilarPostsResponse",
    "Categories": "ListCategoriesResponse",
    "Category": "Category",
}
_SCHEMA_NAMES = {message: schema for schema, message in _MESSAGES.items()}
_DESCRIPTORS = feed_pb2.DESCRIPTOR.message_types_by_name


def _value_schema(field: FieldDescriptor) -> Schema:
    """The schema of one value of a field."""
    if field.message_type is not None:
        return reference(_SCHEMA_NAMES[field.message_type.name])
    if field.enum_type is not None:
        return {"type": "string", "enum": [value.name for value in field.enum_type.values if value.number]}
    return dict(_SCALARS[field.type])


def _field_schema(field: FieldDescriptor) -> Schema:
    return {"type": "array", "items": _value_schema(field)} if field.is_repeated else _value_schema(field)


def _parameter_schema(field: FieldDescriptor) -> Schema:
    """As a query carries it: a value of an enum without the enum's name, a moment as text."""
    value = _parameter_value_schema(field)
    return {"type": "array", "items": value} if field.is_repeated else value


def _parameter_value_schema(field: FieldDescriptor) -> Schema:
    """The same of one value of a list."""
    if field.message_type is not None:
        return {"type": "string", "anyOf": [{"format": "date-time"}, {"pattern": "^-?[0-9]{1,15}$"}]}
    return _value_schema(field) if field.enum_type is None else {"type": "string", "enum": list(choices(field))}


def _message_schema(descriptor: Descriptor) -> Schema:
    """JSON carries each field, whatever its value, except those that may be absent from the message."""
    properties = {
        field.name: _field_schema(field) | _ID_FORMS.get(field.name, {}) | description(field.full_name)
        for field in descriptor.fields
    }
    required = [field.name for field in descriptor.fields if not field.has_presence]
    return object_schema(**properties) | {"required": required} | description(descriptor.full_name)


def _parameter(parameter: Parameter) -> Schema:
    described: Schema = {
        "name": parameter.name,
        "in": "query",
        "required": parameter.is_required,
        "schema": {**_parameter_schema(parameter.field), **_ITEM_FORMS.get(parameter.name, {}), **parameter.bounds},
    }
    style: Schema = {"style": "form", "explode": parameter.may_be_repeated} if parameter.field.is_repeated else {}
    return described | style | {"description": parameter.description}


_IDS: Schema = {
    "name": IDS,
    "in": "query",
    "required": False,
    "schema": {"type": "string", "enum": list(ID_FORMS), "default": "number"},
    "description": "How JSON carries post ids. Numbers above 2^53 are not exact in JavaScript; strings are.",
}
_INTERACTION = feedback_pb2.DESCRIPTOR.message_types_by_name["Interaction"]
_INTERACTION_FORMS: Mapping[str, Schema] = {
    "post_id": {"type": ["integer", "string"]},
    "verb": {"type": "string", "enum": list(VERBS)},
    "occurred_at": {"type": "string", "format": "date-time"},
    "watched_share": {"type": "number", "minimum": 0, "maximum": 1},
    "rating_percent": {"type": "integer", "minimum": 1, "maximum": 100},
    "place": {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE_SIZE},
}


def _interaction_schema() -> Schema:
    properties = {
        field.name: _INTERACTION_FORMS.get(field.name, NAME) | description(field.full_name)
        for field in _INTERACTION.fields
    }
    described: Schema = {"type": "object", "properties": properties, "required": ["username"]}
    return described | description(_INTERACTION.full_name)


def _recorded_schema() -> Schema:
    package = "moodfeed.feedback.v1"
    result = object_schema(
        result={"type": "string", "enum": [result.name for result in Result]}
        | description(f"{package}.InteractionResult.result"),
        reason=TEXT | description(f"{package}.InteractionResult.reason"),
        event_id=TEXT | description(f"{package}.InteractionResult.event_id"),
    )
    return object_schema(
        position={"type": "integer", "format": "int64"} | description(f"{package}.RecordInteractionsResponse.position"),
        results={"type": "array", "items": result} | description(f"{package}.RecordInteractionsResponse.results"),
    )


_INTERACTIONS: Schema = {
    "type": "object",
    "properties": {
        # Whatever stands in a row, its neighbours are recorded: a row that is no Interaction is answered as REJECTED.
        "interactions": {
            "type": "array",
            "items": {"anyOf": [reference("Interaction"), {}]},
            "minItems": 1,
            "maxItems": MOST_INTERACTIONS,
        }
    },
    "required": ["interactions"],
    "additionalProperties": False,
}
_ERRORS: dict[str, Schema] = {
    "400": answer("Malformed request", "Error"),
    "401": answer("Missing or invalid token, if the gateway requires tokens", "Error"),
    "403": answer("The token does not have the scope", "Error"),
    "404": answer("`invalid category id`, or an unknown user without mood and category_id", "Error"),
    "412": answer("The required bundle is not held", "Error"),
    "414": answer("The URL is too long", "Error"),
    "429": answer("Overloaded, or rate limit exceeded for the token; Retry-After says when to try again", "Error"),
    "431": answer("The headers are too long", "Error"),
    "500": answer("Internal error of the gateway", "Error"),
    "503": answer("A service behind the gateway is unavailable, or there are too many connections", "Error"),
    "504": answer("The deadline passed", "Error"),
}
_ERRORS_WITHOUT_PARAMETERS = {code: answer for code, answer in _ERRORS.items() if code not in {"400", "404", "412"}}
_ERRORS_OF_WRITES = {code: answer for code, answer in _ERRORS.items() if code not in {"404", "412"}} | {
    "403": answer("The token does not have the scope, or a page may not write from its origin or host", "Error"),
    "408": answer("The body did not arrive in time", "Error"),
    "413": answer("The body is longer than 4 MiB", "Error"),
    "415": answer("The body is not application/json", "Error"),
    "503": answer("There is no store, or the store or the user tower service is unavailable", "Error"),
}

DOCUMENT: Schema = {
    "openapi": "3.1.0",
    "info": {
        "title": "Moodfeed",
        "version": "1",
        "description": "Personal feeds of short videos; the same contract as moodfeed.feed.v1.FeedService, "
        "moodfeed.feedback.v1.FeedbackService, moodfeed.catalog.v1.CatalogService and moodfeed.rules.v1.RuleService.",
    },
    "paths": {
        "/feed": {
            "get": {
                "operationId": "getFeed",
                "summary": COMMENTS["moodfeed.feed.v1.FeedService.GetFeed"],
                "description": "An empty parameter counts as missing.",
                "parameters": [*(_parameter(parameter) for parameter in PARAMETERS.values()), _IDS],
                "responses": {"200": answer("One page", "Feed")} | _ERRORS,
                "security": TOKEN_OR_NONE,
            }
        },
        "/trending": {
            "get": {
                "operationId": "listTrending",
                "summary": COMMENTS["moodfeed.feed.v1.FeedService.ListTrending"],
                "description": "An empty parameter counts as missing.",
                "parameters": [*(_parameter(parameter) for parameter in TRENDING_PARAMETERS.values()), _IDS],
                "responses": {"200": answer("One page", "Trending")} | _ERRORS,
                "security": TOKEN_OR_NONE,
            }
        },
        "/categories": {
            "get": {
                "operationId": "listCategories",
                "summary": COMMENTS["moodfeed.feed.v1.FeedService.ListCategories"],
                "responses": {"200": answer("All categories", "Categories")} | _ERRORS_WITHOUT_PARAMETERS,
                "security": TOKEN_OR_NONE,
            }
        },
        SIMILAR: {
            "get": {
                "operationId": "getSimilarPosts",
                "summary": COMMENTS["moodfeed.feed.v1.FeedService.GetSimilarPosts"],
                "description": "An empty parameter counts as missing.",
                "parameters": [POST_IN_PATH, *map(_parameter, SIMILAR_PARAMETERS.values()), _IDS],
                "responses": {"200": answer("One page", "Similar")} | _ERRORS,
                "security": TOKEN_OR_NONE,
            }
        },
        **feeds_paths(_ERRORS, _ERRORS_OF_WRITES, ids=_IDS),
        "/interactions": {
            "post": {
                "operationId": "recordInteractions",
                "summary": COMMENTS["moodfeed.feedback.v1.FeedbackService.RecordInteractions"],
                "requestBody": {"required": True, "content": {"application/json": {"schema": _INTERACTIONS}}},
                "responses": {"200": answer("What became of each interaction", "Recorded")} | _ERRORS_OF_WRITES,
                "security": TOKEN_OR_NONE,
            }
        },
        **people_paths(_ERRORS_OF_WRITES, ids=_IDS),
        **posts_paths(_ERRORS_OF_WRITES, ids=_IDS),
        "/healthz": {"get": {"operationId": "healthz", "responses": {"200": answer("The process is alive", "Status")}}},
        "/readyz": {
            "get": {
                "operationId": "readyz",
                "responses": {
                    "200": answer("Feeds can be served", "Status"),
                    "503": answer("A service that feeds need is unavailable", "Status"),
                },
            }
        },
        "/metrics": {
            "get": {
                "operationId": "metrics",
                "responses": {
                    "200": {"description": "Prometheus metrics", "content": {"text/plain": {"schema": TEXT}}}
                },
            }
        },
    },
    "components": {
        "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        "schemas": {name: _message_schema(_DESCRIPTORS[message]) for name, message in _MESSAGES.items()}
        | {
            "Interaction": _interaction_schema(),
            "Recorded": _recorded_schema(),
            **people_schemas(),
            **posts_schemas(),
            **feeds_schemas(_parameter_value_schema),
            "Error": object_schema(
                error=object_schema(code={"type": "integer"}, status=TEXT, reason=TEXT, message=TEXT)
            ),
            "Status": {
                "type": "object",
                "properties": {
                    "status": TEXT,
                    "missing": {
                        "type": "array",
                        "items": TEXT,
                        "description": "Unavailable services that every feed needs, or what is wrong with their list.",
                    },
                    "degraded": {
                        "type": "array",
                        "items": TEXT,
                        "description": "Unavailable services whose absence degrades feeds, or what is now wrong.",
                    },
                },
                "required": ["status"],
            },
        },
    },
}
