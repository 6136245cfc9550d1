"""The part of the OpenAPI document that is about posts and rules."""

from collections.abc import Mapping

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gateway.catalog import LONGEST_TEXT, LONGEST_URL, MOST_EMOTIONS
from gateway.catalog_types import PostState
from gateway.field_checks import LARGEST_CATEGORY_ID
from gateway.http_paths import EXTERNAL, ONE_POST, ONE_RULE
from gateway.http_posts import RULES
from gateway.json_messages import choices
from gateway.openapi_forms import (
    ADMIN_CODES,
    CODES_OF_BODIES,
    NAME,
    TEXT,
    TOKEN_OR_NONE,
    Schema,
    answer,
    description,
    object_schema,
    reference,
)
from gateway.rules import LONGEST_RULE_NAME, MOST_NAMED, MOST_POSTS_OF_A_RULE
from moodfeed.catalog.v1 import catalog_pb2
from moodfeed.feed.v1.feed_comments import COMMENTS
from moodfeed.rules.v1 import rules_pb2

_CATALOG, _RULES = "moodfeed.catalog.v1", "moodfeed.rules.v1"
_POST = catalog_pb2.DESCRIPTOR.message_types_by_name["Post"]
_RULE = rules_pb2.DESCRIPTOR.message_types_by_name["Rule"]
_POST_ID: Schema = {"type": ["integer", "string"]}  # a string where JavaScript could not read the number
_CATEGORY_ID: Schema = {"type": "integer", "minimum": 1, "maximum": LARGEST_CATEGORY_ID}
_MOMENT: Schema = {"type": "string", "format": "date-time"}
_POSITION: Schema = {"type": "integer", "format": "int64"}
_LONG: Schema = {"type": "string", "maxLength": LONGEST_TEXT}
_URL: Schema = {"type": "string", "maxLength": LONGEST_URL}
_POST_FORMS: Mapping[str, Schema] = {
    "post_id": _POST_ID,
    "title": _LONG,
    "description": _LONG,
    "emotions": {"type": "array", "items": TEXT, "maxItems": MOST_EMOTIONS},
    "category_id": _CATEGORY_ID,
    "video_link": {**_URL, "minLength": 1},
    "thumbnail_url": _URL,
    "is_servable": {"type": "boolean"},
    "created_at": _MOMENT,
}
_RULE_FORMS: Mapping[str, Schema] = {
    "name": {"type": "string", "minLength": 1, "maxLength": LONGEST_RULE_NAME},
    "action": {"type": "string", "enum": list(choices(_RULE.fields_by_name["action"]))},
    "post_ids": {"type": "array", "items": _POST_ID, "maxItems": MOST_POSTS_OF_A_RULE},
    "category_ids": {"type": "array", "items": _CATEGORY_ID, "maxItems": MOST_NAMED},
    "owner_usernames": {"type": "array", "items": {**NAME, "minLength": 1}, "maxItems": MOST_NAMED},
    "boost": {"type": "number", "minimum": -1, "maximum": 1},
    "feed_category_id": _CATEGORY_ID,
    "starts_at": _MOMENT,
    "ends_at": _MOMENT,
}
POST_IN_PATH: Schema = {
    "name": "post_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "minLength": 1},
    "description": f"The post_id, or `{EXTERNAL}` and an external_id, percent-encoded: "
    f"`/posts/603`, `/posts/{EXTERNAL}tt0133093`.",
}
_RULE_IN_PATH: Schema = {
    "name": "name",
    "in": "path",
    "required": True,
    "schema": _RULE_FORMS["name"],
    "description": "The name of the rule, compared exactly; percent-encoded UTF-8, a slash as %2F.",
}


def _form(field: FieldDescriptor, forms: Mapping[str, Schema]) -> Schema:
    return {**forms.get(field.name, NAME), **description(field.full_name)}


def _told(message: Descriptor, forms: Mapping[str, Schema], *, required: list[str], of_path: list[str]) -> Schema:
    """What is sent: null counts as missing, and the path says what ``of_path`` holds."""
    properties: Schema = {
        field.name: _form(field, forms)
        if field.name in required
        else {**_form(field, forms), "type": [*_types(_form(field, forms)), "null"]}
        for field in message.fields
        if field.name not in of_path
    }
    named: Schema = {field.name: {} for field in message.fields if field.name in of_path}
    return {
        "type": "object",
        "properties": properties | named,
        "required": required,
        "additionalProperties": False,
    } | description(message.full_name)


def _types(schema: Schema) -> list[object]:
    kind = schema["type"]
    return list(kind) if isinstance(kind, list) else [kind]


def _kept(message: Descriptor, forms: Mapping[str, Schema], *, optional: set[str]) -> Schema:
    """What is shown: all fields but those that may be absent."""
    properties: Schema = {
        field.name: {**_shown(forms.get(field.name, NAME)), **description(field.full_name)} for field in message.fields
    }
    required = [field.name for field in message.fields if field.name not in optional]
    return {"type": "object", "properties": properties, "required": required} | description(message.full_name)


def _shown(form: Schema) -> Schema:
    """The type of a value, without the limits of what is sent: what a bundle holds may lie beyond them."""
    items = form.get("items")
    return {"type": form["type"]} | ({"items": _shown(items)} if isinstance(items, dict) else {})


def posts_schemas() -> Schema:
    """The schemas of posts and rules."""
    return {
        "Post": _told(_POST, _POST_FORMS, required=["category_id", "video_link"], of_path=["post_id", "external_id"]),
        "KeptPost": object_schema(
            post=_kept(_POST, _POST_FORMS, optional={"post_id", "is_servable", "created_at"}),
            state={"type": "string", "enum": [state.name for state in PostState]}
            | description(f"{_CATALOG}.KeptPost.state"),
            position=_POSITION | description(f"{_CATALOG}.KeptPost.position"),
        )
        | description(f"{_CATALOG}.KeptPost"),
        "StoredPost": object_schema(
            position=_POSITION | description(f"{_CATALOG}.UpsertPostsResponse.position"),
            post_id={"type": "integer", "format": "int64"} | description(f"{_CATALOG}.PostResult.post_id"),
        ),
        "Rule": _told(_RULE, _RULE_FORMS, required=["action"], of_path=["name"]),
        "Rules": object_schema(
            rules={
                "type": "array",
                "items": _kept(_RULE, _RULE_FORMS, optional={"feed_category_id", "starts_at", "ends_at"}),
            }
            | description(f"{_RULES}.ListRulesResponse.rules")
        ),
    }


def posts_paths(errors_of_writes: dict[str, Schema], *, ids: Schema) -> Schema:
    """The paths, with the errors of any write, and the parameter that says how JSON carries ids."""
    writes = {
        **errors_of_writes,
        "503": answer("There is no store, or the store or the post index service is unavailable", "Error"),
    }
    admins = {code: answer(words, "Error") for code, words in ADMIN_CODES.items()}
    without_body = {code: form for code, form in writes.items() if code not in CODES_OF_BODIES}
    no_post = {"404": answer("The post is unknown", "Error")}
    no_rule = {"404": answer("There is no rule with this name", "Error")}
    return {
        ONE_POST: {
            "parameters": [POST_IN_PATH],
            "get": _operation("getPost", f"{_CATALOG}.CatalogService.GetPosts")
            | {"parameters": [ids]}
            | _responses(without_body, no_post, ok=answer("The post", "KeptPost")),
            "put": _operation("putPost", f"{_CATALOG}.CatalogService.UpsertPosts")
            | {"requestBody": _body("Post")}
            | _responses(writes, ok=answer("The post is stored", "StoredPost")),
            "delete": _operation("deletePost", f"{_CATALOG}.CatalogService.DeletePosts")
            | _responses(without_body, ok=answer("The post is deleted", "Position")),
        },
        RULES: {
            "get": _operation("listRules", f"{_RULES}.RuleService.ListRules")
            | {"parameters": [ids]}
            | _responses(without_body, admins, ok=answer("All rules", "Rules")),
        },
        ONE_RULE: {
            "parameters": [_RULE_IN_PATH],
            "put": _operation("putRule", f"{_RULES}.RuleService.SetRule")
            | {"requestBody": _body("Rule")}
            | _responses(writes, admins, ok=answer("The rule is kept", "Position")),
            "delete": _operation("deleteRule", f"{_RULES}.RuleService.DeleteRule")
            | _responses(without_body, admins, no_rule, ok=answer("The rule is deleted", "Position")),
        },
    }


def _operation(name: str, method: str) -> Schema:
    return {"operationId": name, "summary": COMMENTS[method], "security": TOKEN_OR_NONE}


def _responses(*errors: dict[str, Schema], ok: Schema) -> Schema:
    responses: Schema = {"200": ok}
    for part in errors:
        responses |= part
    return {"responses": responses}


def _body(schema: str) -> Schema:
    return {"required": True, "content": {"application/json": {"schema": reference(schema)}}}
