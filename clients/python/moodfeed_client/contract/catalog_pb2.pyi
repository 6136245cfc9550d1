import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class UpsertResult(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UPSERT_RESULT_UNSPECIFIED: _ClassVar[UpsertResult]
    UPSERT_RESULT_ACCEPTED: _ClassVar[UpsertResult]
    UPSERT_RESULT_REJECTED: _ClassVar[UpsertResult]

class PostState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    POST_STATE_UNSPECIFIED: _ClassVar[PostState]
    POST_STATE_SERVED: _ClassVar[PostState]
    POST_STATE_PENDING: _ClassVar[PostState]
    POST_STATE_NOT_SERVABLE: _ClassVar[PostState]
    POST_STATE_DELETED: _ClassVar[PostState]
UPSERT_RESULT_UNSPECIFIED: UpsertResult
UPSERT_RESULT_ACCEPTED: UpsertResult
UPSERT_RESULT_REJECTED: UpsertResult
POST_STATE_UNSPECIFIED: PostState
POST_STATE_SERVED: PostState
POST_STATE_PENDING: PostState
POST_STATE_NOT_SERVABLE: PostState
POST_STATE_DELETED: PostState

class Post(_message.Message):
    __slots__ = ("post_id", "title", "description", "emotions", "category_id", "category_name", "video_link", "thumbnail_url", "owner_username", "language", "is_servable", "created_at", "external_id")
    POST_ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    EMOTIONS_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_ID_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_NAME_FIELD_NUMBER: _ClassVar[int]
    VIDEO_LINK_FIELD_NUMBER: _ClassVar[int]
    THUMBNAIL_URL_FIELD_NUMBER: _ClassVar[int]
    OWNER_USERNAME_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    IS_SERVABLE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_ID_FIELD_NUMBER: _ClassVar[int]
    post_id: int
    title: str
    description: str
    emotions: _containers.RepeatedScalarFieldContainer[str]
    category_id: int
    category_name: str
    video_link: str
    thumbnail_url: str
    owner_username: str
    language: str
    is_servable: bool
    created_at: _timestamp_pb2.Timestamp
    external_id: str
    def __init__(self, post_id: _Optional[int] = ..., title: _Optional[str] = ..., description: _Optional[str] = ..., emotions: _Optional[_Iterable[str]] = ..., category_id: _Optional[int] = ..., category_name: _Optional[str] = ..., video_link: _Optional[str] = ..., thumbnail_url: _Optional[str] = ..., owner_username: _Optional[str] = ..., language: _Optional[str] = ..., is_servable: _Optional[bool] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, object]]] = ..., external_id: _Optional[str] = ...) -> None: ...

class UpsertPostsRequest(_message.Message):
    __slots__ = ("posts",)
    POSTS_FIELD_NUMBER: _ClassVar[int]
    posts: _containers.RepeatedCompositeFieldContainer[Post]
    def __init__(self, posts: _Optional[_Iterable[_Union[Post, _Mapping[str, object]]]] = ...) -> None: ...

class PostResult(_message.Message):
    __slots__ = ("result", "reason", "post_id")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    POST_ID_FIELD_NUMBER: _ClassVar[int]
    result: UpsertResult
    reason: str
    post_id: int
    def __init__(self, result: _Optional[_Union[UpsertResult, int, str]] = ..., reason: _Optional[str] = ..., post_id: _Optional[int] = ...) -> None: ...

class UpsertPostsResponse(_message.Message):
    __slots__ = ("position", "results")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    position: int
    results: _containers.RepeatedCompositeFieldContainer[PostResult]
    def __init__(self, position: _Optional[int] = ..., results: _Optional[_Iterable[_Union[PostResult, _Mapping[str, object]]]] = ...) -> None: ...

class DeletePostsRequest(_message.Message):
    __slots__ = ("post_ids", "external_ids")
    POST_IDS_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_IDS_FIELD_NUMBER: _ClassVar[int]
    post_ids: _containers.RepeatedScalarFieldContainer[int]
    external_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, post_ids: _Optional[_Iterable[int]] = ..., external_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class DeletePostsResponse(_message.Message):
    __slots__ = ("position",)
    POSITION_FIELD_NUMBER: _ClassVar[int]
    position: int
    def __init__(self, position: _Optional[int] = ...) -> None: ...

class GetPostsRequest(_message.Message):
    __slots__ = ("post_ids", "external_ids")
    POST_IDS_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_IDS_FIELD_NUMBER: _ClassVar[int]
    post_ids: _containers.RepeatedScalarFieldContainer[int]
    external_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, post_ids: _Optional[_Iterable[int]] = ..., external_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class KeptPost(_message.Message):
    __slots__ = ("post", "state", "position")
    POST_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    post: Post
    state: PostState
    position: int
    def __init__(self, post: _Optional[_Union[Post, _Mapping[str, object]]] = ..., state: _Optional[_Union[PostState, int, str]] = ..., position: _Optional[int] = ...) -> None: ...

class GetPostsResponse(_message.Message):
    __slots__ = ("posts",)
    POSTS_FIELD_NUMBER: _ClassVar[int]
    posts: _containers.RepeatedCompositeFieldContainer[KeptPost]
    def __init__(self, posts: _Optional[_Iterable[_Union[KeptPost, _Mapping[str, object]]]] = ...) -> None: ...
