"""The forms that recur in the OpenAPI document."""

from gateway.feedback_types import LONGEST_NAME
from moodfeed.feed.v1.feed_comments import COMMENTS

Schema = dict[str, object]

TEXT: Schema = {"type": "string"}
NAME: Schema = {"type": "string", "maxLength": LONGEST_NAME}
TOKEN_OR_NONE: list[dict[str, list[str]]] = [{}, {"token": []}]  # the operator decides whether one is required
CODES_OF_BODIES = frozenset({"408", "413", "415"})
ADMIN_CODES = {
    "401": "Missing or invalid admin token",
    "403": "Without admin tokens: not from this machine; or a page of another origin or host",
}


def reference(name: str) -> Schema:
    """A schema of the components, by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def description(full_name: str) -> Schema:
    """The comment of a message or a field of the contract, by its full name."""
    return {"description": COMMENTS[full_name]}


def object_schema(**properties: Schema) -> Schema:
    """An object all of whose properties are required."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def answer(description: str, schema: str) -> Schema:
    """An answer whose body is a schema of the components."""
    return {"description": description, "content": {"application/json": {"schema": reference(schema)}}}
