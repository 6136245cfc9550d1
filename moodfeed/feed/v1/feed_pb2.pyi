import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
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
    RANKING_SIMILAR: _ClassVar[Ranking]

class Reason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REASON_UNSPECIFIED: _ClassVar[Reason]
    REASON_USER: _ClassVar[Reason]
    REASON_MOOD_AND_USER: _ClassVar[Reason]
    REASON_MOOD: _ClassVar[Reason]
    REASON_POPULAR: _ClassVar[Reason]
    REASON_TRENDING: _ClassVar[Reason]
    REASON_SIMILAR: _ClassVar[Reason]
    REASON_PINNED: _ClassVar[Reason]
    REASON_BOOSTED: _ClassVar[Reason]
    REASON_EXPLORATION: _ClassVar[Reason]
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
RANKING_SIMILAR: Ranking
REASON_UNSPECIFIED: Reason
REASON_USER: Reason
REASON_MOOD_AND_USER: Reason
REASON_MOOD: Reason
REASON_POPULAR: Reason
REASON_TRENDING: Reason
REASON_SIMILAR: Reason
REASON_PINNED: Reason
REASON_BOOSTED: Reason
REASON_EXPLORATION: Reason

class GetFeedRequest(_message.Message):
    __slots__ = ("username", "category_id", "mood", "page_size", "page_token", "exclude_post_ids", "required_bundle_id", "strict", "exclude_external_ids", "at_least_position", "seen", "remember_served", "fallback", "category_ids", "excluded_category_ids", "excluded_owner_usernames", "created_after", "languages", "include_own_posts", "diversity", "most_per_owner", "explain")
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
    CATEGORY_IDS_FIELD_NUMBER: _ClassVar[int]
    EXCLUDED_CATEGORY_IDS_FIELD_NUMBER: _ClassVar[int]
    EXCLUDED_OWNER_USERNAMES_FIELD_NUMBER: _ClassVar[int]
    CREATED_AFTER_FIELD_NUMBER: _ClassVar[int]
    LANGUAGES_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_OWN_POSTS_FIELD_NUMBER: _ClassVar[int]
    DIVERSITY_FIELD_NUMBER: _ClassVar[int]
    MOST_PER_OWNER_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
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
    category_ids: _containers.RepeatedScalarFieldContainer[int]
    excluded_category_ids: _containers.RepeatedScalarFieldContainer[int]
    excluded_owner_usernames: _containers.RepeatedScalarFieldContainer[str]
    created_after: _timestamp_pb2.Timestamp
    languages: _containers.RepeatedScalarFieldContainer[str]
    include_own_posts: bool
    diversity: float
    most_per_owner: int
    explain: bool
    def __init__(self, username: _Optional[str] = ..., category_id: _Optional[int] = ..., mood: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., exclude_post_ids: _Optional[_Iterable[int]] = ..., required_bundle_id: _Optional[str] = ..., strict: _Optional[bool] = ..., exclude_external_ids: _Optional[_Iterable[str]] = ..., at_least_position: _Optional[int] = ..., seen: _Optional[_Union[Seen, str]] = ..., remember_served: _Optional[bool] = ..., fallback: _Optional[_Union[Fallback, str]] = ..., category_ids: _Optional[_Iterable[int]] = ..., excluded_category_ids: _Optional[_Iterable[int]] = ..., excluded_owner_usernames: _Optional[_Iterable[str]] = ..., created_after: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., languages: _Optional[_Iterable[str]] = ..., include_own_posts: _Optional[bool] = ..., diversity: _Optional[float] = ..., most_per_owner: _Optional[int] = ..., explain: _Optional[bool] = ...) -> None: ...

class Degradation(_message.Message):
    __slots__ = ("stage", "reason")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    stage: str
    reason: str
    def __init__(self, stage: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class HistoryPost(_message.Message):
    __slots__ = ("post_id", "closeness")
    POST_ID_FIELD_NUMBER: _ClassVar[int]
    CLOSENESS_FIELD_NUMBER: _ClassVar[int]
    post_id: int
    closeness: float
    def __init__(self, post_id: _Optional[int] = ..., closeness: _Optional[float] = ...) -> None: ...

class Explanation(_message.Message):
    __slots__ = ("user_score", "mood_closeness", "popularity", "history", "rules", "is_seen", "similarity", "popularity_share", "category_lift", "next_post")
    USER_SCORE_FIELD_NUMBER: _ClassVar[int]
    MOOD_CLOSENESS_FIELD_NUMBER: _ClassVar[int]
    POPULARITY_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    IS_SEEN_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    POPULARITY_SHARE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_LIFT_FIELD_NUMBER: _ClassVar[int]
    NEXT_POST_FIELD_NUMBER: _ClassVar[int]
    user_score: float
    mood_closeness: float
    popularity: float
    history: _containers.RepeatedCompositeFieldContainer[HistoryPost]
    rules: _containers.RepeatedScalarFieldContainer[str]
    is_seen: bool
    similarity: float
    popularity_share: float
    category_lift: float
    next_post: float
    def __init__(self, user_score: _Optional[float] = ..., mood_closeness: _Optional[float] = ..., popularity: _Optional[float] = ..., history: _Optional[_Iterable[_Union[HistoryPost, _Mapping]]] = ..., rules: _Optional[_Iterable[str]] = ..., is_seen: _Optional[bool] = ..., similarity: _Optional[float] = ..., popularity_share: _Optional[float] = ..., category_lift: _Optional[float] = ..., next_post: _Optional[float] = ...) -> None: ...

class FeedPost(_message.Message):
    __slots__ = ("post_id", "video_link", "title", "thumbnail_url", "category_id", "owner_username", "score", "external_id", "ranking_score", "reason", "explanation")
    POST_ID_FIELD_NUMBER: _ClassVar[int]
    VIDEO_LINK_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    THUMBNAIL_URL_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_ID_FIELD_NUMBER: _ClassVar[int]
    OWNER_USERNAME_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_ID_FIELD_NUMBER: _ClassVar[int]
    RANKING_SCORE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    post_id: int
    video_link: str
    title: str
    thumbnail_url: str
    category_id: int
    owner_username: str
    score: float
    external_id: str
    ranking_score: float
    reason: Reason
    explanation: Explanation
    def __init__(self, post_id: _Optional[int] = ..., video_link: _Optional[str] = ..., title: _Optional[str] = ..., thumbnail_url: _Optional[str] = ..., category_id: _Optional[int] = ..., owner_username: _Optional[str] = ..., score: _Optional[float] = ..., external_id: _Optional[str] = ..., ranking_score: _Optional[float] = ..., reason: _Optional[_Union[Reason, str]] = ..., explanation: _Optional[_Union[Explanation, _Mapping]] = ...) -> None: ...

class GetFeedResponse(_message.Message):
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
    posts: _containers.RepeatedCompositeFieldContainer[FeedPost]
    next_page_token: str
    bundle_id: str
    ranking: Ranking
    degradations: _containers.RepeatedCompositeFieldContainer[Degradation]
    feed_id: str
    position: int
    exhausted: bool
    mood_understood: bool
    approximate: bool
    def __init__(self, posts: _Optional[_Iterable[_Union[FeedPost, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., bundle_id: _Optional[str] = ..., ranking: _Optional[_Union[Ranking, str]] = ..., degradations: _Optional[_Iterable[_Union[Degradation, _Mapping]]] = ..., feed_id: _Optional[str] = ..., position: _Optional[int] = ..., exhausted: _Optional[bool] = ..., mood_understood: _Optional[bool] = ..., approximate: _Optional[bool] = ...) -> None: ...

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

class GetSimilarPostsRequest(_message.Message):
    __slots__ = ("post_id", "external_id", "username", "page_size", "page_token", "exclude_post_ids", "required_bundle_id", "exclude_external_ids", "at_least_position", "seen", "category_ids", "excluded_category_ids", "excluded_owner_usernames", "created_after", "languages", "include_own_posts", "explain")
    POST_ID_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_POST_IDS_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_EXTERNAL_IDS_FIELD_NUMBER: _ClassVar[int]
    AT_LEAST_POSITION_FIELD_NUMBER: _ClassVar[int]
    SEEN_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_IDS_FIELD_NUMBER: _ClassVar[int]
    EXCLUDED_CATEGORY_IDS_FIELD_NUMBER: _ClassVar[int]
    EXCLUDED_OWNER_USERNAMES_FIELD_NUMBER: _ClassVar[int]
    CREATED_AFTER_FIELD_NUMBER: _ClassVar[int]
    LANGUAGES_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_OWN_POSTS_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    post_id: int
    external_id: str
    username: str
    page_size: int
    page_token: str
    exclude_post_ids: _containers.RepeatedScalarFieldContainer[int]
    required_bundle_id: str
    exclude_external_ids: _containers.RepeatedScalarFieldContainer[str]
    at_least_position: int
    seen: Seen
    category_ids: _containers.RepeatedScalarFieldContainer[int]
    excluded_category_ids: _containers.RepeatedScalarFieldContainer[int]
    excluded_owner_usernames: _containers.RepeatedScalarFieldContainer[str]
    created_after: _timestamp_pb2.Timestamp
    languages: _containers.RepeatedScalarFieldContainer[str]
    include_own_posts: bool
    explain: bool
    def __init__(self, post_id: _Optional[int] = ..., external_id: _Optional[str] = ..., username: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., exclude_post_ids: _Optional[_Iterable[int]] = ..., required_bundle_id: _Optional[str] = ..., exclude_external_ids: _Optional[_Iterable[str]] = ..., at_least_position: _Optional[int] = ..., seen: _Optional[_Union[Seen, str]] = ..., category_ids: _Optional[_Iterable[int]] = ..., excluded_category_ids: _Optional[_Iterable[int]] = ..., excluded_owner_usernames: _Optional[_Iterable[str]] = ..., created_after: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., languages: _Optional[_Iterable[str]] = ..., include_own_posts: _Optional[bool] = ..., explain: _Optional[bool] = ...) -> None: ...

class GetSimilarPostsResponse(_message.Message):
    __slots__ = ("posts", "next_page_token", "bundle_id", "degradations", "position", "feed_id", "approximate")
    POSTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    DEGRADATIONS_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    FEED_ID_FIELD_NUMBER: _ClassVar[int]
    APPROXIMATE_FIELD_NUMBER: _ClassVar[int]
    posts: _containers.RepeatedCompositeFieldContainer[FeedPost]
    next_page_token: str
    bundle_id: str
    degradations: _containers.RepeatedCompositeFieldContainer[Degradation]
    position: int
    feed_id: str
    approximate: bool
    def __init__(self, posts: _Optional[_Iterable[_Union[FeedPost, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., bundle_id: _Optional[str] = ..., degradations: _Optional[_Iterable[_Union[Degradation, _Mapping]]] = ..., position: _Optional[int] = ..., feed_id: _Optional[str] = ..., approximate: _Optional[bool] = ...) -> None: ...

class GetFeedsRequest(_message.Message):
    __slots__ = ("feeds", "distinct")
    FEEDS_FIELD_NUMBER: _ClassVar[int]
    DISTINCT_FIELD_NUMBER: _ClassVar[int]
    feeds: _containers.RepeatedCompositeFieldContainer[GetFeedRequest]
    distinct: bool
    def __init__(self, feeds: _Optional[_Iterable[_Union[GetFeedRequest, _Mapping]]] = ..., distinct: _Optional[bool] = ...) -> None: ...

class FeedError(_message.Message):
    __slots__ = ("code", "reason", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: int
    reason: str
    message: str
    def __init__(self, code: _Optional[int] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class FeedResult(_message.Message):
    __slots__ = ("feed", "error")
    FEED_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    feed: GetFeedResponse
    error: FeedError
    def __init__(self, feed: _Optional[_Union[GetFeedResponse, _Mapping]] = ..., error: _Optional[_Union[FeedError, _Mapping]] = ...) -> None: ...

class GetFeedsResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[FeedResult]
    def __init__(self, results: _Optional[_Iterable[_Union[FeedResult, _Mapping]]] = ...) -> None: ...

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
