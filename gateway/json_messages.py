"""JSON read into messages of the contract, field by field, so that an error names its field."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar, cast

import orjson
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from google.protobuf.message import Message

from gateway.feedback_messages import MalformedDocumentError

_SHOWN_CHARACTERS = 40
_WORDS: Mapping[int, str] = {
    FieldDescriptor.TYPE_STRING: "a string",
    FieldDescriptor.TYPE_BOOL: "true or false",
    FieldDescriptor.TYPE_INT32: "a 32-bit integer",
    FieldDescriptor.TYPE_INT64: "a 64-bit integer",
    FieldDescriptor.TYPE_FLOAT: "a number",
    FieldDescriptor.TYPE_MESSAGE: "a time with its offset, such as 2026-05-04T09:30:00Z",
}
_MessageT = TypeVar("_MessageT", bound=Message)


class UnreadableFieldError(Exception):
    """A field is unknown or of the wrong type; the text begins with its name."""


def read_json_object(body: bytes) -> dict[str, object]:
    """The JSON object of a body; MalformedDocumentError if it is not one."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedDocumentError(f"the body is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise MalformedDocumentError("the body must be a JSON object")
    return document


def fill(message: _MessageT, document: Mapping[str, object]) -> _MessageT:
    """Fill a message from JSON; null counts as missing, and a value of an enum goes by its short name.

    Integers of 64 bits may be strings, as numbers above 2^53 are not exact in JavaScript. Raises UnreadableFieldError.
    """
    fields = _fields_of(message)
    for name, value in document.items():
        field = fields.get(name)
        if field is None:
            known = ", ".join(sorted(fields))
            raise UnreadableFieldError(f"{name[:_SHOWN_CHARACTERS]}: is not a known field; the fields are {known}")
        if value is not None:
            _fill_field(message, field, value)
    return message


def _fields_of(message: Message) -> Mapping[str, FieldDescriptor]:
    """The fields by name; the type stubs of protobuf know two classes of them."""
    return cast("Mapping[str, FieldDescriptor]", message.DESCRIPTOR.fields_by_name)


def _fill_field(message: Message, field: FieldDescriptor, value: object) -> None:
    if field.enum_type is not None:
        value = _number_of(field, value)
    elif field.type == FieldDescriptor.TYPE_BOOL and not isinstance(value, bool):
        raise _wrong(field)
    try:
        ParseDict({field.name: value}, message)
    except ParseError as error:
        raise _wrong(field) from error


def _number_of(field: FieldDescriptor, value: object) -> int:
    known = choices(field)
    if not isinstance(value, str) or value.upper() not in known:
        raise UnreadableFieldError(f"{field.name}: must be one of {', '.join(known)}")
    return known[value.upper()]


def _wrong(field: FieldDescriptor) -> UnreadableFieldError:
    words = _WORDS[field.type]
    return UnreadableFieldError(f"{field.name}: must be {'a list, each element ' if field.is_repeated else ''}{words}")


def choices(field: FieldDescriptor) -> Mapping[str, int]:
    """The values of a field of an enum, by their names without the enum's name before them."""
    enum = field.enum_type
    if enum is None:
        return {}
    prefix = "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in enum.name).strip("_") + "_"
    return {value.name.removeprefix(prefix): value.number for value in enum.values if value.number}


def document_of(
    message: Message, *, id_fields: Iterable[str] = (), ids: Callable[[int], int | str] = int
) -> dict[str, object]:
    """A message as JSON; fields that may be absent are left out if they are.

    ``id_fields`` hold post ids, in the form that ``ids`` gives them.
    """
    document = MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    fields = _fields_of(message)
    for name, value in document.items():
        field = fields[name]
        if field.enum_type is not None:
            number = getattr(message, name)
            document[name] = next((short for short, known in choices(field).items() if known == number), value)
        elif name in id_fields:
            document[name] = [ids(int(item)) for item in value] if field.is_repeated else ids(int(value))
    return document
