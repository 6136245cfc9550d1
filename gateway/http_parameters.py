"""The query parameters of GET /feed: one for each field of GetFeedRequest, read as its type says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from google.protobuf.descriptor import FieldDescriptor
from starlette.datastructures import QueryParams

from gateway.feed_messages import read_request
from gateway.feed_types import LONGEST_MOOD, MOST_EXCLUSIONS, FeedRequest
from moodfeed.feed.v1 import feed_pb2

_SHOWN_CHARACTERS = 100
_SHOWN_DIGITS = 40
_NAMES = {"exclude_post_ids": "exclude"}  # where the name in the query is not that of the field
_BOUNDS: Mapping[str, Mapping[str, int]] = {
    "username": {"minLength": 1},
    "mood": {"maxLength": LONGEST_MOOD},
    "page_size": {"minimum": 0},
    "exclude": {"maxItems": MOST_EXCLUSIONS},
}
_REQUIRED = frozenset({"username"})

IDS = "ids"
ID_FORMS: Mapping[str, Callable[[int], int | str]] = {"number": int, "string": str}
"""The values of the parameter IDS: how JSON carries post ids. Numbers above 2^53 are not exact in JavaScript."""


class InvalidParameterError(Exception):
    """A query parameter is unknown, given twice or malformed; the text names it."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter: the field that it fills, and its bounds as keywords of JSON Schema."""

    name: str
    field: FieldDescriptor
    bounds: Mapping[str, int]
    is_required: bool


def _parameter(field: FieldDescriptor) -> Parameter:
    name = _NAMES.get(field.name, field.name)
    return Parameter(name, field, _BOUNDS.get(name, {}), name in _REQUIRED)


PARAMETERS = {
    parameter.name: parameter
    for parameter in map(_parameter, feed_pb2.DESCRIPTOR.message_types_by_name["GetFeedRequest"].fields)
}


def read_query(query: bytes) -> QueryParams:
    """Decode a query string; raises InvalidParameterError for a parameter that is not UTF-8, or for too many."""
    try:
        pairs = parse_qsl(
            query.decode("latin-1"),
            keep_blank_values=True,
            errors="surrogateescape",  # bytes that are not UTF-8 become lone surrogates, which are found below
            max_num_fields=4 * len(PARAMETERS),
        )
    except ValueError as error:
        raise InvalidParameterError("too many parameters") from error
    for name, value in pairs:
        if not (_is_unicode(name) and _is_unicode(value)):
            raise InvalidParameterError(f"{name[:_SHOWN_CHARACTERS]!r} is not valid UTF-8")
    return QueryParams(pairs)


def read_feed_request(query: QueryParams) -> FeedRequest:
    """Read the parameters, an empty one as missing; raises InvalidParameterError."""
    message = feed_pb2.GetFeedRequest()
    for name in query:
        parameter = PARAMETERS.get(name)
        if parameter is None and name != IDS:
            known = ", ".join(sorted([*PARAMETERS, IDS]))
            raise InvalidParameterError(f"unknown parameter {name[:_SHOWN_CHARACTERS]!r}, the known ones are {known}")
        if len(query.getlist(name)) > 1:
            raise InvalidParameterError(f"{name} is given twice")
        if parameter is not None:
            _fill(message, parameter, query[name])
    return read_request(message)


def read_id_form(query: QueryParams) -> Callable[[int], int | str]:
    """How the answer carries post ids; raises InvalidParameterError."""
    text = query.get(IDS) or "number"
    if text not in ID_FORMS:
        raise InvalidParameterError(f"{IDS} is {text[:_SHOWN_CHARACTERS]!r}, it must be {' or '.join(ID_FORMS)}")
    return ID_FORMS[text]


def _fill(message: feed_pb2.GetFeedRequest, parameter: Parameter, text: str) -> None:
    read = _READERS[parameter.field.type]
    items = text.split(",") if parameter.field.is_repeated else [text]
    values = [value for item in items if (value := read(parameter.name, item)) is not None]
    if parameter.field.is_repeated:
        getattr(message, parameter.field.name).extend(values)
    elif values:
        setattr(message, parameter.field.name, values[0])


def _read_text(_: str, text: str) -> str | None:
    return text or None


def _read_bool(name: str, text: str) -> bool | None:
    if text not in {"", "true", "false"}:
        raise InvalidParameterError(f"{name} is {text[:_SHOWN_CHARACTERS]!r}, it must be true or false")
    return text == "true" if text else None


def _read_int32(name: str, text: str) -> int | None:
    return _read_integer(name, text, bits=32)


def _read_int64(name: str, text: str) -> int | None:
    return _read_integer(name, text, bits=64)


def _read_integer(name: str, text: str, *, bits: int) -> int | None:
    if not text.strip():
        return None
    digits = text.removeprefix("-")
    is_integer = digits.isascii() and digits.isdigit() and len(digits) < 20  # no number of 64 bits is longer
    if not is_integer or not -(2 ** (bits - 1)) <= int(text) < 2 ** (bits - 1):
        raise InvalidParameterError(f"{name} is {text[:_SHOWN_DIGITS]!r}, it must be an integer of {bits} bits")
    return int(text)


_READERS: Mapping[int, Callable[[str, str], str | int | None]] = {
    FieldDescriptor.TYPE_STRING: _read_text,
    FieldDescriptor.TYPE_BOOL: _read_bool,
    FieldDescriptor.TYPE_INT32: _read_int32,
    FieldDescriptor.TYPE_INT64: _read_int64,
}


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
