from moodfeed.embedding.v1 import embedding_pb2 as _embedding_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EncodeContextRequest(_message.Message):
    __slots__ = ("username", "mood", "bundle_id")
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    MOOD_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    username: str
    mood: str
    bundle_id: str
    def __init__(self, username: _Optional[str] = ..., mood: _Optional[str] = ..., bundle_id: _Optional[str] = ...) -> None: ...

class EncodeContextResponse(_message.Message):
    __slots__ = ("user_embedding", "mood_embedding", "seen_post_ids", "bundle_id", "mood_unavailable")
    USER_EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    MOOD_EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    SEEN_POST_IDS_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    MOOD_UNAVAILABLE_FIELD_NUMBER: _ClassVar[int]
    user_embedding: _embedding_pb2.Embedding
    mood_embedding: _embedding_pb2.Embedding
    seen_post_ids: _containers.RepeatedScalarFieldContainer[int]
    bundle_id: str
    mood_unavailable: bool
    def __init__(self, user_embedding: _Optional[_Union[_embedding_pb2.Embedding, _Mapping]] = ..., mood_embedding: _Optional[_Union[_embedding_pb2.Embedding, _Mapping]] = ..., seen_post_ids: _Optional[_Iterable[int]] = ..., bundle_id: _Optional[str] = ..., mood_unavailable: _Optional[bool] = ...) -> None: ...

class UserAndMood(_message.Message):
    __slots__ = ("username", "mood")
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    MOOD_FIELD_NUMBER: _ClassVar[int]
    username: str
    mood: str
    def __init__(self, username: _Optional[str] = ..., mood: _Optional[str] = ...) -> None: ...

class EncodeContextsRequest(_message.Message):
    __slots__ = ("contexts", "bundle_id")
    CONTEXTS_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    contexts: _containers.RepeatedCompositeFieldContainer[UserAndMood]
    bundle_id: str
    def __init__(self, contexts: _Optional[_Iterable[_Union[UserAndMood, _Mapping]]] = ..., bundle_id: _Optional[str] = ...) -> None: ...

class EncodeContextsResponse(_message.Message):
    __slots__ = ("contexts",)
    CONTEXTS_FIELD_NUMBER: _ClassVar[int]
    contexts: _containers.RepeatedCompositeFieldContainer[EncodeContextResponse]
    def __init__(self, contexts: _Optional[_Iterable[_Union[EncodeContextResponse, _Mapping]]] = ...) -> None: ...

class PostContent(_message.Message):
    __slots__ = ("post_id", "title", "description", "category_id")
    POST_ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_ID_FIELD_NUMBER: _ClassVar[int]
    post_id: int
    title: str
    description: str
    category_id: int
    def __init__(self, post_id: _Optional[int] = ..., title: _Optional[str] = ..., description: _Optional[str] = ..., category_id: _Optional[int] = ...) -> None: ...

class EncodePostsRequest(_message.Message):
    __slots__ = ("posts",)
    POSTS_FIELD_NUMBER: _ClassVar[int]
    posts: _containers.RepeatedCompositeFieldContainer[PostContent]
    def __init__(self, posts: _Optional[_Iterable[_Union[PostContent, _Mapping]]] = ...) -> None: ...

class PostEmbeddings(_message.Message):
    __slots__ = ("post_id", "tower_embedding", "text_embedding")
    POST_ID_FIELD_NUMBER: _ClassVar[int]
    TOWER_EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    TEXT_EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    post_id: int
    tower_embedding: _embedding_pb2.Embedding
    text_embedding: _embedding_pb2.Embedding
    def __init__(self, post_id: _Optional[int] = ..., tower_embedding: _Optional[_Union[_embedding_pb2.Embedding, _Mapping]] = ..., text_embedding: _Optional[_Union[_embedding_pb2.Embedding, _Mapping]] = ...) -> None: ...

class EncodePostsResponse(_message.Message):
    __slots__ = ("posts", "bundle_id")
    POSTS_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    posts: _containers.RepeatedCompositeFieldContainer[PostEmbeddings]
    bundle_id: str
    def __init__(self, posts: _Optional[_Iterable[_Union[PostEmbeddings, _Mapping]]] = ..., bundle_id: _Optional[str] = ...) -> None: ...

class GetEmbeddingSpaceRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetEmbeddingSpaceResponse(_message.Message):
    __slots__ = ("tower_space", "text_space")
    TOWER_SPACE_FIELD_NUMBER: _ClassVar[int]
    TEXT_SPACE_FIELD_NUMBER: _ClassVar[int]
    tower_space: _embedding_pb2.EmbeddingSpace
    text_space: _embedding_pb2.EmbeddingSpace
    def __init__(self, tower_space: _Optional[_Union[_embedding_pb2.EmbeddingSpace, _Mapping]] = ..., text_space: _Optional[_Union[_embedding_pb2.EmbeddingSpace, _Mapping]] = ...) -> None: ...
