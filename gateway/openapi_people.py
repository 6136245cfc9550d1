"""The part of the OpenAPI document that is about the data of a person."""

from gateway.http_people import MERGE, ONE_PERSON
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
from moodfeed.feed.v1.feed_comments import COMMENTS

_NOBODY = {"404": answer("Nothing is stored about this person", "Error")}
_USERNAME: Schema = {
    "name": "username",
    "in": "path",
    "required": True,
    "schema": {**NAME, "minLength": 1},
    "description": "Matched exactly; percent-encoded UTF-8, a slash as %2F.",
}
_POSITION: Schema = {"type": "integer", "format": "int64"}
_FEEDBACK = "moodfeed.feedback.v1"


def _described(message: str, **properties: Schema) -> Schema:
    """A message of the feedback's contract with the schemas of its fields; all of them are required."""
    full_name = f"{_FEEDBACK}.{message}"
    return object_schema(
        **{name: schema | description(f"{full_name}.{name}") for name, schema in properties.items()}
    ) | description(full_name)


def people_schemas() -> Schema:
    """The schemas of a person's data."""
    post_ids: Schema = {"type": "array", "items": {"type": ["integer", "string"]}}
    moment: Schema = {"type": "string", "format": "date-time"}
    return {
        "Person": _described(
            "ExportPersonResponse",
            username=TEXT,
            position=_POSITION,
            interactions={"type": "array", "items": reference("RecordedInteraction")},
            served={"type": "array", "items": reference("ServedPosts")},
            merged_usernames={"type": "array", "items": TEXT},
        ),
        "RecordedInteraction": _described(
            "RecordedInteraction",
            interaction=reference("Interaction"),
            position=_POSITION,
            is_taken_back={"type": "boolean"},
        ),
        "ServedPosts": _described("ServedPosts", post_ids=post_ids, shown_at=moment, feed_id=TEXT),
        "Merge": _described(
            "MergePeopleRequest", merged_username={**NAME, "minLength": 1}, into_username={**NAME, "minLength": 1}
        )
        | {"additionalProperties": False},
        "Position": object_schema(position=_POSITION | description(f"{_FEEDBACK}.DeletePersonResponse.position")),
    }


def people_paths(errors_of_writes: dict[str, Schema], *, ids: Schema) -> Schema:
    """The paths, with the errors of any write, and the parameter that says how JSON carries ids."""
    admins = {code: answer(words, "Error") for code, words in ADMIN_CODES.items()}
    errors = {code: form for code, form in errors_of_writes.items() if code not in CODES_OF_BODIES} | admins
    return {
        ONE_PERSON: {
            "parameters": [_USERNAME],
            "get": {
                "operationId": "exportPerson",
                "summary": COMMENTS[f"{_FEEDBACK}.FeedbackService.ExportPerson"],
                "parameters": [ids],
                "responses": {"200": answer("Everything that is stored", "Person")} | errors | _NOBODY,
                "security": TOKEN_OR_NONE,
            },
            "delete": {
                "operationId": "deletePerson",
                "summary": COMMENTS[f"{_FEEDBACK}.FeedbackService.DeletePerson"],
                "responses": {"200": answer("The person is deleted", "Position")} | errors,
                "security": TOKEN_OR_NONE,
            },
        },
        MERGE: {
            "post": {
                "operationId": "mergePeople",
                "summary": COMMENTS[f"{_FEEDBACK}.FeedbackService.MergePeople"],
                "requestBody": {"required": True, "content": {"application/json": {"schema": reference("Merge")}}},
                "responses": {"200": answer("The two are merged", "Position")} | {**errors_of_writes, **admins},
                "security": TOKEN_OR_NONE,
            }
        },
    }
