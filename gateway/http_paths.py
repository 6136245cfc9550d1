"""Paths that hold an id or a name: matched as they were sent, so that an escaped slash is part of the name."""

from urllib.parse import unquote_to_bytes

from starlette.requests import Request
from starlette.routing import Match, Route
from starlette.types import Scope

from gateway.catalog_types import PostNames
from gateway.field_checks import LARGEST_POST_ID
from gateway.http_parameters import InvalidParameterError

ONE_POST, SIMILAR, ONE_RULE = "/posts/{post_id}", "/posts/{post_id}/similar", "/rules/{name}"
"""What metrics and messages call the path of any post or rule."""

EXTERNAL = "external:"
"""What stands before an external_id in a path; anything else there is a post_id."""

_SHOWN_CHARACTERS = 40
_MOST_DIGITS = len(str(LARGEST_POST_ID))


class EscapedRoute(Route):
    """A route whose parameters are still escaped; one with an escaped slash does not end at it."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match the path as it was sent."""
        return super().matches({**scope, "path": scope["raw_path"].decode("latin-1"), "root_path": ""})


def name_of_path(path: str) -> str | None:
    """What metrics call an escaped path of a post or a rule; None for any other."""
    match path.split("/"):
        case ["", "posts", _]:
            return ONE_POST
        case ["", "posts", _, "similar"]:
            return SIMILAR
        case ["", "rules", _]:
            return ONE_RULE
    return None


def post_of(request: Request) -> PostNames:
    """The one post that the path names; InvalidParameterError if it cannot be one."""
    text = text_of(request, "post_id")
    if text.startswith(EXTERNAL) and len(text) > len(EXTERNAL):
        return PostNames(external_ids=(text.removeprefix(EXTERNAL),))
    is_number = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
    if not is_number or not 1 <= int(text) <= LARGEST_POST_ID:
        raise InvalidParameterError(
            f"the path names the post {text[:_SHOWN_CHARACTERS]!r}: it must be a post_id, an integer from 1 to "
            f"{LARGEST_POST_ID}, or {EXTERNAL} and an external_id"
        )
    return PostNames(post_ids=(int(text),))


def text_of(request: Request, parameter: str) -> str:
    """A parameter of the path, decoded once; InvalidParameterError if it is not UTF-8."""
    try:
        return unquote_to_bytes(str(request.path_params[parameter])).decode()
    except UnicodeDecodeError as error:
        raise InvalidParameterError(f"the {parameter} in the path is not valid UTF-8") from error
