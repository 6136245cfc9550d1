from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Seen(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEEN_UNSPECIFIED: _ClassVar[Seen]
    SEEN_LAST: _ClassVar[Seen]
    SEEN_EXCLUDED: _ClassVar[Seen]

class Fallback(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FALLBACK_UNSPECIFIED: _ClassVar[Fallback]
    FALLBACK_NONE: _ClassVar[Fallback]
    FALLBACK_POPULAR: _ClassVar[Fallback]
    FALLBACK_TRENDING: _ClassVar[Fallback]

class Ranking(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RANKING_UNSPECIFIED: _ClassVar[Ranking]
    RANKING_USER: _ClassVar[Ranking]
    RANKING_MOOD_THEN_USER: _ClassVar[Ranking]
    RANKING_MOOD: _ClassVar[Ranking]
    RANKING_POPULAR: _ClassVar[Ranking]
    RANKING_TRENDING: _ClassVar[Ranking]
SEEN_UNSPECIFIED: Seen
SEEN_LAST: Seen
SEEN_EXCLUDED: Seen
FALLBACK_UNSPECIFIED: Fallback
FALLBACK_NONE: Fallback
FALLBACK_POPULAR: Fallback
FALLBACK_TRENDING: Fallback
RANKING_UNSPECIFIED: Ranking
RANKING_USER: Ranking
RANKING_MOOD_THEN_USER: Ranking
RANKING_MOOD: Ranking
RANKING_POPULAR: Ranking
RANKING_TRENDING: Ranking

class GetFeedRequest(_message.Message):
    __slots__ = ("username", "category_id", "mood", "page_size", "page_token", "exclude_post_ids", "required_bundle_id", "strict", "exclude_external_ids", "at_least_position", "seen", "remember_served", "fallback")
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_ID_FIELD_NUMBER: _ClassVar[int]
    MOOD_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_POST_IDS_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    STRICT_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_EXTERNAL_IDS_FIELD_NUMBER: _ClassVar[int]
    AT_LEAST_POSITION_FIELD_NUMBER: _ClassVar[int]
    SEEN_FIELD_NUMBER: _ClassVar[int]
    REMEMBER_SERVED_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    username: str
    category_id: int
    mood: str
    page_size: int
    page_token: str
    exclude_post_ids: _containers.RepeatedScalarFieldContainer[int]
    required_bundle_id: str
    strict: bool
    exclude_external_ids: _containers.RepeatedScalarFieldContainer[str]
    at_least_position: int
    seen: Seen
    remember_served: bool
    fallback: Fallback
    def __init__(self, username: _Optional[str] = ..., category_id: _Optional[int] = ..., mood: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., exclude_post_ids: _Optional[_Iterable[int]] = ..., required_bundle_id: _Optional[str] = ..., strict: _Optional[bool] = ..., exclude_external_ids: _Optional[_Iterable[str]] = ..., at_least_position: _Optional[int] = ..., seen: _Optional[_Union[Seen, str]] = ..., remember_served: _Optional[bool] = ..., fallback: _Optional[_Union[Fallback, str]] = ...) -> None: ...

class Degradation(_message.Message):
    __slots__ = ("stage", "reason")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    stage: str
    reason: str
    def __init__(self, stage: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class FeedPost(_message.Message):
    __slots__ = ("post_id", "video_link", "title", "thumbnail_url", "category_id", "owner_username", "score", "external_id", "ranking_score")
    POST_ID_FIELD_NUMBER: _ClassVar[int]
    VIDEO_LINK_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    THUMBNAIL_URL_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_ID_FIELD_NUMBER: _ClassVar[int]
    OWNER_USERNAME_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_ID_FIELD_NUMBER: _ClassVar[int]
    RANKING_SCORE_FIELD_NUMBER: _ClassVar[int]
    post_id: int
    video_link: str
    title: str
    thumbnail_url: str
    category_id: int
    owner_username: str
    score: float
    external_id: str
    ranking_score: float
    def __init__(self, post_id: _Optional[int] = ..., video_link: _Optional[str] = ..., title: _Optional[str] = ..., thumbnail_url: _Optional[str] = ..., category_id: _Optional[int] = ..., owner_username: _Optional[str] = ..., score: _Optional[float] = ..., external_id: _Optional[str] = ..., ranking_score: _Optional[float] = ...) -> None: ...

class GetFeedResponse(_message.Message):
    __slots__ = ("posts", "next_page_token", "bundle_id", "ranking", "degradations", "feed_id", "position", "exhausted")
    POSTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    RANKING_FIELD_NUMBER: _ClassVar[int]
    DEGRADATIONS_FIELD_NUMBER: _ClassVar[int]
    FEED_ID_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    EXHAUSTED_FIELD_NUMBER: _ClassVar[int]
    posts: _containers.RepeatedCompositeFieldContainer[FeedPost]
    next_page_token: str
    bundle_id: str
    ranking: Ranking
    degradations: _containers.RepeatedCompositeFieldContainer[Degradation]
    feed_id: str
    position: int
    exhausted: bool
    def __init__(self, posts: _Optional[_Iterable[_Union[FeedPost, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., bundle_id: _Optional[str] = ..., ranking: _Optional[_Union[Ranking, str]] = ..., degradations: _Optional[_Iterable[_Union[Degradation, _Mapping]]] = ..., feed_id: _Optional[str] = ..., position: _Optional[int] = ..., exhausted: _Optional[bool] = ...) -> None: ...

class ListTrendingRequest(_message.Message):
    __slots__ = ("category_id", "page_size", "page_token", "required_bundle_id")
    CATEGORY_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    category_id: int
    page_size: int
    page_token: str
    required_bundle_id: str
    def __init__(self, category_id: _Optional[int] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., required_bundle_id: _Optional[str] = ...) -> None: ...

class ListTrendingResponse(_message.Message):
    __slots__ = ("posts", "next_page_token", "bundle_id", "position")
    POSTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    posts: _containers.RepeatedCompositeFieldContainer[FeedPost]
    next_page_token: str
    bundle_id: str
    position: int
    def __init__(self, posts: _Optional[_Iterable[_Union[FeedPost, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., bundle_id: _Optional[str] = ..., position: _Optional[int] = ...) -> None: ...

class ListCategoriesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Category(_message.Message):
    __slots__ = ("category_id", "name", "post_count")
    CATEGORY_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    POST_COUNT_FIELD_NUMBER: _ClassVar[int]
    category_id: int
    name: str
    post_count: int
    def __init__(self, category_id: _Optional[int] = ..., name: _Optional[str] = ..., post_count: _Optional[int] = ...) -> None: ...

class ListCategoriesResponse(_message.Message):
    __slots__ = ("categories",)
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    categories: _containers.RepeatedCompositeFieldContainer[Category]
    def __init__(self, categories: _Optional[_Iterable[_Union[Category, _Mapping]]] = ...) -> None: ...
