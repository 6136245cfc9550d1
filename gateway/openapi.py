"""The OpenAPI document of the HTTP edge."""


def _parameter(name: str, schema: dict[str, object], description: str, *, required: bool = False) -> dict[str, object]:
    return {"name": name, "in": "query", "required": required, "schema": schema, "description": description}


def _answer(description: str, schema: str) -> dict[str, object]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": description, "content": content}


def _object(**properties: dict[str, object]) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": list(properties)}


_TEXT: dict[str, object] = {"type": "string"}
_INT32: dict[str, object] = {"type": "integer", "format": "int32"}
_INT64: dict[str, object] = {"type": "integer", "format": "int64"}
_ERRORS: dict[str, dict[str, object]] = {
    "400": _answer("Malformed request", "Error"),
    "401": _answer("No token, or one that is not valid now; only where the gateway asks for tokens", "Error"),
    "404": _answer("`invalid category id`, or an unknown user without mood and category_id", "Error"),
    "412": _answer("The required bundle is not held", "Error"),
    "414": _answer("The URL is too long", "Error"),
    "429": _answer("Too many requests, or the token asks too often; Retry-After says when to try again", "Error"),
    "431": _answer("The headers are too long", "Error"),
    "500": _answer("A fault of ours", "Error"),
    "503": _answer("A service behind the gateway does not answer", "Error"),
    "504": _answer("The time ran out", "Error"),
}
_TOKEN_OR_NONE: list[dict[str, list[str]]] = [{}, {"token": []}]  # whether one is needed is the operator's choice

DOCUMENT: dict[str, object] = {
    "openapi": "3.1.0",
    "info": {
        "title": "Moodfeed",
        "version": "1",
        "description": "Personal feeds of short videos; the same contract as moodfeed.feed.v1.FeedService.",
    },
    "paths": {
        "/feed": {
            "get": {
                "operationId": "getFeed",
                "summary": "One page of a feed",
                "parameters": [
                    _parameter("username", {"type": "string", "minLength": 1}, "Matched exactly.", required=True),
                    _parameter("category_id", _INT32, "Only posts of this category; empty counts as missing."),
                    _parameter("mood", {"type": "string", "maxLength": 512}, "Words, emoji or both."),
                    _parameter("page_size", _INT32 | {"minimum": 0}, "0 means 10, above 100 means 100."),
                    _parameter("page_token", _TEXT, "next_page_token of the page before."),
                    _parameter(
                        "exclude",
                        {"type": "array", "items": _INT64, "maxItems": 1000},
                        "Posts never to return, separated by commas.",
                    )
                    | {"style": "form", "explode": False},
                    _parameter("required_bundle_id", _TEXT, "The bundle that must answer."),
                    _parameter("strict", {"type": "boolean"}, "Refuse rather than degrade."),
                ],
                "responses": {"200": _answer("A page", "Feed")} | _ERRORS,
                "security": _TOKEN_OR_NONE,
            }
        },
        "/categories": {
            "get": {
                "operationId": "listCategories",
                "summary": "Exactly the categories with at least one servable post",
                "responses": {
                    "200": _answer("All of them", "Categories"),
                    **{code: _ERRORS[code] for code in ("401", "414", "429", "431", "500", "503", "504")},
                },
                "security": _TOKEN_OR_NONE,
            }
        },
        "/healthz": {
            "get": {"operationId": "healthz", "responses": {"200": _answer("The process is alive", "Status")}}
        },
        "/readyz": {
            "get": {
                "operationId": "readyz",
                "responses": {
                    "200": _answer("Feeds can be served", "Status"),
                    "503": _answer("A service behind the gateway is missing", "Status"),
                },
            }
        },
        "/metrics": {
            "get": {
                "operationId": "metrics",
                "responses": {
                    "200": {"description": "Prometheus metrics", "content": {"text/plain": {"schema": _TEXT}}}
                },
            }
        },
    },
    "components": {
        "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        "schemas": {
            "FeedPost": _object(
                post_id=_INT64,
                video_link=_TEXT,
                title=_TEXT,
                thumbnail_url=_TEXT,
                category_id=_INT32,
                owner_username=_TEXT,
                score={"type": "number"},
            ),
            "Feed": _object(
                posts={"type": "array", "items": {"$ref": "#/components/schemas/FeedPost"}},
                next_page_token=_TEXT,
                bundle_id=_TEXT,
                ranking={
                    "type": "string",
                    "enum": ["RANKING_USER", "RANKING_MOOD_THEN_USER", "RANKING_MOOD", "RANKING_POPULAR"],
                },
                degradations={"type": "array", "items": _object(stage=_TEXT, reason=_TEXT)},
            ),
            "Categories": _object(
                categories={"type": "array", "items": _object(category_id=_INT32, name=_TEXT, post_count=_INT32)}
            ),
            "Error": _object(error=_object(code={"type": "integer"}, status=_TEXT, reason=_TEXT, message=_TEXT)),
            "Status": {
                "type": "object",
                "properties": {
                    "status": _TEXT,
                    "missing": {
                        "type": "array",
                        "items": _TEXT,
                        "description": "Services that feeds cannot do without.",
                    },
                    "degraded": {"type": "array", "items": _TEXT, "description": "Services that feeds can do without."},
                },
                "required": ["status"],
            },
        },
    },
}
