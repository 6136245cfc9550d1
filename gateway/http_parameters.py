"""The query parameters of GET /feed and GET /trending: one for each field of the request, read as its type says."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import parse_qsl

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from starlette.datastructures import QueryParams

from gateway.catalog_types import PostNames
from gateway.feed_messages import read_request, read_similar_request, read_trending_request
from gateway.feed_types import (
    LONGEST_MOOD,
    MOST_EXCLUDED_OWNERS,
    MOST_EXCLUSIONS,
    MOST_FILTERED_CATEGORIES,
    MOST_LANGUAGES,
    FeedRequest,
    TrendingRequest,
)
from gateway.filter_checks import check_mood
from gateway.json_messages import UnreadableFieldError, choices, fill
from gateway.query_moments import read_moment
from moodfeed.feed.v1 import feed_pb2
from moodfeed.feed.v1.feed_comments import COMMENTS
from rpc.moments import InvalidMomentError

_SHOWN_CHARACTERS = 100
_SHOWN_DIGITS = 40
_INTEGER = re.compile(r"-?[0-9]+")
_NUMBER = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,2})?")
_EXCLUDE, _EXCLUDE_EXTERNAL, _CREATED_AFTER = "exclude", "exclude_external_ids", "created_after"
_NAMES = {"exclude_post_ids": _EXCLUDE}  # where the name in the query is not that of the field
_BOUNDS: Mapping[str, Mapping[str, int]] = {
    "username": {"minLength": 1},
    "mood": {"maxLength": LONGEST_MOOD},
    "page_size": {"minimum": 0},
    "at_least_position": {"minimum": 0},
    _EXCLUDE: {"maxItems": MOST_EXCLUSIONS},
    _EXCLUDE_EXTERNAL: {"maxItems": MOST_EXCLUSIONS},
    "category_ids": {"maxItems": MOST_FILTERED_CATEGORIES},
    "excluded_category_ids": {"maxItems": MOST_FILTERED_CATEGORIES},
    "excluded_owner_usernames": {"maxItems": MOST_EXCLUDED_OWNERS},
    "languages": {"maxItems": MOST_LANGUAGES},
    "diversity": {"minimum": 0, "maximum": 1},
    "most_per_owner": {"minimum": 0},
}
_REQUIRED = frozenset({"username"})
_DESCRIPTIONS = {
    _EXCLUDE: "Posts never to return, by post_id or external_id, separated by commas. An integer is "
    "always a post_id; anything else is an external_id. At most 1000 together with exclude_external_ids.",
    _EXCLUDE_EXTERNAL: "A post never to return, by its exact external_id: use it for an external_id that is an "
    "integer or holds a comma. May be given several times.",
    _CREATED_AFTER: "Only posts created after this time, in RFC 3339 or in milliseconds since 1970; posts "
    "whose creation time is not known are left out.",
}

IDS = "ids"
ID_FORMS: Mapping[str, Callable[[int], int | str]] = {"number": int, "string": str}
"""The values of the parameter IDS: how JSON carries post ids. Numbers above 2^53 are not exact in JavaScript."""


MOST_TITLES = 100


class InvalidParameterError(Exception):
    """A query parameter is unknown, given twice or malformed; the text names it."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter: the field that it fills, and its bounds as keywords of JSON Schema."""

    name: str
    field: FieldDescriptor
    bounds: Mapping[str, int]
    is_required: bool
    description: str

    @property
    def may_be_repeated(self) -> bool:
        """Whether it holds one value and may be given several times; other lists hold commas between their values."""
        return self.name == _EXCLUDE_EXTERNAL


def _parameter(field: FieldDescriptor) -> Parameter:
    name = _NAMES.get(field.name, field.name)
    description = _DESCRIPTIONS.get(name) or COMMENTS[field.full_name]
    if field.is_repeated and name not in _DESCRIPTIONS:
        description += " Separated by commas."
    return Parameter(name, field, _BOUNDS.get(name, {}), name in _REQUIRED, description)


def _parameters(message: str) -> dict[str, Parameter]:
    fields = feed_pb2.DESCRIPTOR.message_types_by_name[message].fields
    return {parameter.name: parameter for parameter in map(_parameter, fields)}


PARAMETERS = _parameters("GetFeedRequest")
TRENDING_PARAMETERS = _parameters("ListTrendingRequest")
SIMILAR_PARAMETERS = {
    name: parameter
    for name, parameter in _parameters("GetSimilarPostsRequest").items()
    if name not in {"post_id", "external_id"}  # the path names the post
}


def read_query(query: bytes) -> QueryParams:
    """Decode a query string; raises InvalidParameterError for a parameter that is not UTF-8, or for too many."""
    try:
        pairs = parse_qsl(
            query.decode("latin-1"),
            keep_blank_values=True,
            errors="surrogateescape",  # bytes that are not UTF-8 become lone surrogates, which are found below
            max_num_fields=MOST_EXCLUSIONS + 4 * len(PARAMETERS),
        )
    except ValueError as error:
        raise InvalidParameterError("too many parameters") from error
    for name, value in pairs:
        if not (_is_unicode(name) and _is_unicode(value)):
            raise InvalidParameterError(f"{name[:_SHOWN_CHARACTERS]!r} is not valid UTF-8")
    return QueryParams(pairs)


def read_mood_query(query: bytes) -> str:
    """The mood, without the white space around it; raises InvalidParameterError, MoodTooLongError."""
    mood = _only(query, "mood").strip()
    check_mood(mood)
    return mood


def read_titles_query(query: bytes) -> Sequence[int]:
    """Ids of at most MOST_TITLES posts, separated by commas; raises InvalidParameterError."""
    texts = [text for text in _only(query, "post_ids").split(",") if text]
    if len(texts) > MOST_TITLES:
        raise InvalidParameterError(f"post_ids has {len(texts)} ids, the maximum is {MOST_TITLES}")
    return [_read_integer("post_ids", text, bits=64) for text in texts]


def _only(query: bytes, name: str) -> str:
    """The text of the only parameter that a path takes, empty if it is missing; raises InvalidParameterError."""
    parameters = read_query(query)
    for given in parameters:
        if given != name:
            raise InvalidParameterError(f"unknown parameter {given[:_SHOWN_CHARACTERS]!r}, this path takes {name}")
    if len(parameters.getlist(name)) > 1:
        raise InvalidParameterError(f"{name} is given twice")
    return parameters.get(name, "")


def refuse_parameters(query: bytes) -> None:
    """InvalidParameterError if there is any parameter."""
    for name in read_query(query):
        raise InvalidParameterError(f"unknown parameter {name[:_SHOWN_CHARACTERS]!r}, this path takes none")


def read_feed_request(query: QueryParams) -> FeedRequest:
    """Read the parameters, an empty one as missing; raises InvalidParameterError."""
    message = feed_pb2.GetFeedRequest()
    _fill_all(message, PARAMETERS, query)
    return read_request(message)


def read_trending_query(query: QueryParams) -> TrendingRequest:
    """The same for the trends."""
    message = feed_pb2.ListTrendingRequest()
    _fill_all(message, TRENDING_PARAMETERS, query)
    return read_trending_request(message)


def read_similar_query(query: QueryParams, post: PostNames) -> FeedRequest:
    """The same for similar posts; the path names the post."""
    message = feed_pb2.GetSimilarPostsRequest(
        post_id=next(iter(post.post_ids), 0), external_id=next(iter(post.external_ids), "")
    )
    _fill_all(message, SIMILAR_PARAMETERS, query)
    return read_similar_request(message)


def read_feed_object(row: object) -> feed_pb2.GetFeedRequest:
    """The same from JSON, by the names of the contract; raises InvalidParameterError."""
    if not isinstance(row, dict):
        raise InvalidParameterError("a feed must be a JSON object")
    try:
        return fill(feed_pb2.GetFeedRequest(), row)
    except UnreadableFieldError as error:
        raise InvalidParameterError(str(error)) from error


def _fill_all(message: Message, parameters: Mapping[str, Parameter], query: QueryParams) -> None:
    for name in query:
        parameter = parameters.get(name)
        if parameter is None and name != IDS:
            known = ", ".join(sorted([*parameters, IDS]))
            raise InvalidParameterError(f"unknown parameter {name[:_SHOWN_CHARACTERS]!r}, the known ones are {known}")
        texts = query.getlist(name)
        if len(texts) > 1 and not (parameter and parameter.may_be_repeated):
            raise InvalidParameterError(f"{name} is given twice")
        if parameter is not None:
            _fill(message, parameter, texts)


def read_id_form(query: QueryParams) -> Callable[[int], int | str]:
    """How the answer carries post ids; raises InvalidParameterError."""
    text = query.get(IDS) or "number"
    if text not in ID_FORMS:
        raise InvalidParameterError(f"{IDS} is {text[:_SHOWN_CHARACTERS]!r}, it must be {' or '.join(ID_FORMS)}")
    return ID_FORMS[text]


def _fill(message: Message, parameter: Parameter, texts: Sequence[str]) -> None:
    if isinstance(message, feed_pb2.GetFeedRequest | feed_pb2.GetSimilarPostsRequest) and parameter.name == _EXCLUDE:
        _exclude(message, texts[0])
        return
    if parameter.name == _CREATED_AFTER:
        _fill_moment(message, texts[0])
        return
    read = _READERS.get(parameter.field.type) or partial(_read_choice, choices(parameter.field))
    if parameter.field.is_repeated and not parameter.may_be_repeated:
        texts = [item.strip() for item in texts[0].split(",")]
    values = [value for text in texts if (value := read(parameter.name, text)) is not None]
    if parameter.field.is_repeated:
        getattr(message, parameter.field.name).extend(values)
    elif values:
        setattr(message, parameter.field.name, values[0])


def _exclude(message: feed_pb2.GetFeedRequest | feed_pb2.GetSimilarPostsRequest, text: str) -> None:
    """Read post ids and external ids: an integer is always a post id."""
    for item in map(str.strip, text.split(",")):
        if _INTEGER.fullmatch(item):
            message.exclude_post_ids.append(_read_integer(_EXCLUDE, item, bits=64))
        elif item:
            message.exclude_external_ids.append(item)


def _fill_moment(message: Message, text: str) -> None:
    """Fill created_after."""
    if not text.strip():
        return
    try:
        milliseconds = read_moment(text.strip())
    except InvalidMomentError as error:
        raise InvalidParameterError(f"{_CREATED_AFTER} is {text[:_SHOWN_CHARACTERS]!r}, {error}") from error
    moment = getattr(message, _CREATED_AFTER)
    moment.seconds, moment.nanos = milliseconds // 1000, milliseconds % 1000 * 1_000_000


def _read_choice(known: Mapping[str, int], name: str, text: str) -> int | None:
    if text and text.upper() not in known:
        raise InvalidParameterError(f"{name} is {text[:_SHOWN_CHARACTERS]!r}, it must be one of {', '.join(known)}")
    return known[text.upper()] if text else None


def _read_text(_: str, text: str) -> str | None:
    return text or None


def _read_bool(name: str, text: str) -> bool | None:
    if text not in {"", "true", "false"}:
        raise InvalidParameterError(f"{name} is {text[:_SHOWN_CHARACTERS]!r}, it must be true or false")
    return text == "true" if text else None


def _read_int32(name: str, text: str) -> int | None:
    return _read_integer(name, text, bits=32) if text.strip() else None


def _read_int64(name: str, text: str) -> int | None:
    return _read_integer(name, text, bits=64) if text.strip() else None


def _read_float(name: str, text: str) -> float | None:
    if not text.strip():
        return None
    if not _NUMBER.fullmatch(text) or len(text) > _SHOWN_DIGITS:
        raise InvalidParameterError(f"{name} is {text[:_SHOWN_DIGITS]!r}, it must be a number")
    return float(text)


def _read_integer(name: str, text: str, *, bits: int) -> int:
    is_integer = _INTEGER.fullmatch(text) and len(text) <= 20  # no number of 64 bits is longer
    if not is_integer or not -(2 ** (bits - 1)) <= int(text) < 2 ** (bits - 1):
        raise InvalidParameterError(f"{name} is {text[:_SHOWN_DIGITS]!r}, it must be a {bits}-bit integer")
    return int(text)


_READERS: Mapping[int, Callable[[str, str], str | int | float | None]] = {
    FieldDescriptor.TYPE_STRING: _read_text,
    FieldDescriptor.TYPE_BOOL: _read_bool,
    FieldDescriptor.TYPE_INT32: _read_int32,
    FieldDescriptor.TYPE_INT64: _read_int64,
    FieldDescriptor.TYPE_FLOAT: _read_float,
}


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
