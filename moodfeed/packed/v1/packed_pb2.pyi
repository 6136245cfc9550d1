from moodfeed.feed.v1 import feed_pb2 as _feed_pb2
from moodfeed.post_index.v1 import post_index_pb2 as _post_index_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PackedSearchPostsResponse(_message.Message):
    __slots__ = ("posts", "has_more", "ranking", "bundle_id", "current_bundle_id", "counted_position", "posts_position", "rules_moment_ms", "approximate", "unavailable_engine")
    POSTS_FIELD_NUMBER: _ClassVar[int]
    HAS_MORE_FIELD_NUMBER: _ClassVar[int]
    RANKING_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    CURRENT_BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    COUNTED_POSITION_FIELD_NUMBER: _ClassVar[int]
    POSTS_POSITION_FIELD_NUMBER: _ClassVar[int]
    RULES_MOMENT_MS_FIELD_NUMBER: _ClassVar[int]
    APPROXIMATE_FIELD_NUMBER: _ClassVar[int]
    UNAVAILABLE_ENGINE_FIELD_NUMBER: _ClassVar[int]
    posts: _containers.RepeatedScalarFieldContainer[bytes]
    has_more: bool
    ranking: _post_index_pb2.SearchRanking
    bundle_id: str
    current_bundle_id: str
    counted_position: int
    posts_position: int
    rules_moment_ms: int
    approximate: bool
    unavailable_engine: str
    def __init__(self, posts: _Optional[_Iterable[bytes]] = ..., has_more: _Optional[bool] = ..., ranking: _Optional[_Union[_post_index_pb2.SearchRanking, str]] = ..., bundle_id: _Optional[str] = ..., current_bundle_id: _Optional[str] = ..., counted_position: _Optional[int] = ..., posts_position: _Optional[int] = ..., rules_moment_ms: _Optional[int] = ..., approximate: _Optional[bool] = ..., unavailable_engine: _Optional[str] = ...) -> None: ...

class PackedGetFeedResponse(_message.Message):
    __slots__ = ("posts", "next_page_token", "bundle_id", "ranking", "degradations", "feed_id", "position", "exhausted", "mood_understood", "approximate")
    POSTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    RANKING_FIELD_NUMBER: _ClassVar[int]
    DEGRADATIONS_FIELD_NUMBER: _ClassVar[int]
    FEED_ID_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    EXHAUSTED_FIELD_NUMBER: _ClassVar[int]
    MOOD_UNDERSTOOD_FIELD_NUMBER: _ClassVar[int]
    APPROXIMATE_FIELD_NUMBER: _ClassVar[int]
    posts: _containers.RepeatedScalarFieldContainer[bytes]
    next_page_token: str
    bundle_id: str
    ranking: _feed_pb2.Ranking
    degradations: _containers.RepeatedCompositeFieldContainer[_feed_pb2.Degradation]
    feed_id: str
    position: int
    exhausted: bool
    mood_understood: bool
    approximate: bool
    def __init__(self, posts: _Optional[_Iterable[bytes]] = ..., next_page_token: _Optional[str] = ..., bundle_id: _Optional[str] = ..., ranking: _Optional[_Union[_feed_pb2.Ranking, str]] = ..., degradations: _Optional[_Iterable[_Union[_feed_pb2.Degradation, _Mapping]]] = ..., feed_id: _Optional[str] = ..., position: _Optional[int] = ..., exhausted: _Optional[bool] = ..., mood_understood: _Optional[bool] = ..., approximate: _Optional[bool] = ...) -> None: ...

class PackedListTrendingResponse(_message.Message):
    __slots__ = ("posts", "next_page_token", "bundle_id", "position")
    POSTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    posts: _containers.RepeatedScalarFieldContainer[bytes]
    next_page_token: str
    bundle_id: str
    position: int
    def __init__(self, posts: _Optional[_Iterable[bytes]] = ..., next_page_token: _Optional[str] = ..., bundle_id: _Optional[str] = ..., position: _Optional[int] = ...) -> None: ...

class PackedGetSimilarPostsResponse(_message.Message):
    __slots__ = ("posts", "next_page_token", "bundle_id", "degradations", "position", "feed_id", "approximate")
    POSTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    DEGRADATIONS_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    FEED_ID_FIELD_NUMBER: _ClassVar[int]
    APPROXIMATE_FIELD_NUMBER: _ClassVar[int]
    posts: _containers.RepeatedScalarFieldContainer[bytes]
    next_page_token: str
    bundle_id: str
    degradations: _containers.RepeatedCompositeFieldContainer[_feed_pb2.Degradation]
    position: int
    feed_id: str
    approximate: bool
    def __init__(self, posts: _Optional[_Iterable[bytes]] = ..., next_page_token: _Optional[str] = ..., bundle_id: _Optional[str] = ..., degradations: _Optional[_Iterable[_Union[_feed_pb2.Degradation, _Mapping]]] = ..., position: _Optional[int] = ..., feed_id: _Optional[str] = ..., approximate: _Optional[bool] = ...) -> None: ...

class PackedFeedResult(_message.Message):
    __slots__ = ("feed", "error")
    FEED_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    feed: bytes
    error: _feed_pb2.FeedError
    def __init__(self, feed: _Optional[bytes] = ..., error: _Optional[_Union[_feed_pb2.FeedError, _Mapping]] = ...) -> None: ...

class PackedGetFeedsResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[PackedFeedResult]
    def __init__(self, results: _Optional[_Iterable[_Union[PackedFeedResult, _Mapping]]] = ...) -> None: ...
