from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EmbeddingKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EMBEDDING_KIND_UNSPECIFIED: _ClassVar[EmbeddingKind]
    EMBEDDING_KIND_TOWER: _ClassVar[EmbeddingKind]
    EMBEDDING_KIND_TEXT: _ClassVar[EmbeddingKind]
EMBEDDING_KIND_UNSPECIFIED: EmbeddingKind
EMBEDDING_KIND_TOWER: EmbeddingKind
EMBEDDING_KIND_TEXT: EmbeddingKind

class EmbeddingSpace(_message.Message):
    __slots__ = ("bundle_id", "kind", "dimension")
    BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    DIMENSION_FIELD_NUMBER: _ClassVar[int]
    bundle_id: str
    kind: EmbeddingKind
    dimension: int
    def __init__(self, bundle_id: _Optional[str] = ..., kind: _Optional[_Union[EmbeddingKind, str]] = ..., dimension: _Optional[int] = ...) -> None: ...

class Embedding(_message.Message):
    __slots__ = ("space", "values")
    SPACE_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    space: EmbeddingSpace
    values: bytes
    def __init__(self, space: _Optional[_Union[EmbeddingSpace, _Mapping]] = ..., values: _Optional[bytes] = ...) -> None: ...

class RecentHistory(_message.Message):
    __slots__ = ("post_ids", "count", "newest_at_ms")
    POST_IDS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    NEWEST_AT_MS_FIELD_NUMBER: _ClassVar[int]
    post_ids: _containers.RepeatedScalarFieldContainer[int]
    count: int
    newest_at_ms: int
    def __init__(self, post_ids: _Optional[_Iterable[int]] = ..., count: _Optional[int] = ..., newest_at_ms: _Optional[int] = ...) -> None: ...
