from moodfeed.catalog.v1 import catalog_pb2 as _catalog_pb2
from moodfeed.embedding.v1 import embedding_pb2 as _embedding_pb2
from moodfeed.feed.v1 import feed_pb2 as _feed_pb2
from moodfeed.rules.v1 import rules_pb2 as _rules_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SearchRanking(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEARCH_RANKING_UNSPECIFIED: _ClassVar[SearchRanking]
    SEARCH_RANKING_USER: _ClassVar[SearchRanking]
    SEARCH_RANKING_MOOD_THEN_USER: _ClassVar[SearchRanking]
    SEARCH_RANKING_MOOD: _ClassVar[SearchRanking]
    SEARCH_RANKING_POPULAR: _ClassVar[SearchRanking]
    SEARCH_RANKING_TRENDING: _ClassVar[SearchRanking]
    SEARCH_RANKING_SIMILAR: _ClassVar[SearchRanking]
SEARCH_RANKING_UNSPECIFIED: SearchRanking
SEARCH_RANKING_USER: SearchRanking
SEARCH_RANKING_MOOD_THEN_USER: SearchRanking
SEARCH_RANKING_MOOD: SearchRanking
SEARCH_RANKING_POPULAR: SearchRanking
SEARCH_RANKING_TRENDING: SearchRanking
SEARCH_RANKING_SIMILAR: SearchRanking

class SearchPostsRequest(_message.Message):
    __slots__ = ("user_embedding", "mood_embedding", "category_id", "exclude_post_ids", "seen_post_ids", "offset", "limit", "bundle_id", "exclude_external_ids", "not_interested_post_ids", "withheld_post_ids", "trending", "counted_position", "at_least_position", "similar_to_post_id", "similar_to_external_id", "category_ids", "excluded_category_ids", "excluded_owner_usernames", "created_after_ms", "languages", "diversity", "most_per_owner", "explain", "posts_position", "rules_moment_ms", "exploration_share", "exploration_seed", "recent_history")
    USER_EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    MOOD_EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_ID_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_POST_IDS_FIELD_NUMBER: _ClassVar[int]
    SEEN_POST_IDS_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_EXTERNAL_IDS_FIELD_NUMBER: _ClassVar[int]
    NOT_INTERESTED_POST_IDS_FIELD_NUMBER: _ClassVar[int]
    WITHHELD_POST_IDS_FIELD_NUMBER: _ClassVar[int]
    TRENDING_FIELD_NUMBER: _ClassVar[int]
    COUNTED_POSITION_FIELD_NUMBER: _ClassVar[int]
    AT_LEAST_POSITION_FIELD_NUMBER: _ClassVar[int]
    SIMILAR_TO_POST_ID_FIELD_NUMBER: _ClassVar[int]
    SIMILAR_TO_EXTERNAL_ID_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_IDS_FIELD_NUMBER: _ClassVar[int]
    EXCLUDED_CATEGORY_IDS_FIELD_NUMBER: _ClassVar[int]
    EXCLUDED_OWNER_USERNAMES_FIELD_NUMBER: _ClassVar[int]
    CREATED_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    LANGUAGES_FIELD_NUMBER: _ClassVar[int]
    DIVERSITY_FIELD_NUMBER: _ClassVar[int]
    MOST_PER_OWNER_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    POSTS_POSITION_FIELD_NUMBER: _ClassVar[int]
    RULES_MOMENT_MS_FIELD_NUMBER: _ClassVar[int]
    EXPLORATION_SHARE_FIELD_NUMBER: _ClassVar[int]
    EXPLORATION_SEED_FIELD_NUMBER: _ClassVar[int]
    RECENT_HISTORY_FIELD_NUMBER: _ClassVar[int]
    user_embedding: _embedding_pb2.Embedding
    mood_embedding: _embedding_pb2.Embedding
    category_id: int
    exclude_post_ids: _containers.RepeatedScalarFieldContainer[int]
    seen_post_ids: _containers.RepeatedScalarFieldContainer[int]
    offset: int
    limit: int
    bundle_id: str
    exclude_external_ids: _containers.RepeatedScalarFieldContainer[str]
    not_interested_post_ids: _containers.RepeatedScalarFieldContainer[int]
    withheld_post_ids: _containers.RepeatedScalarFieldContainer[int]
    trending: bool
    counted_position: int
    at_least_position: int
    similar_to_post_id: int
    similar_to_external_id: str
    category_ids: _containers.RepeatedScalarFieldContainer[int]
    excluded_category_ids: _containers.RepeatedScalarFieldContainer[int]
    excluded_owner_usernames: _containers.RepeatedScalarFieldContainer[str]
    created_after_ms: int
    languages: _containers.RepeatedScalarFieldContainer[str]
    diversity: float
    most_per_owner: int
    explain: bool
    posts_position: int
    rules_moment_ms: int
    exploration_share: float
    exploration_seed: int
    recent_history: _embedding_pb2.RecentHistory
    def __init__(self, user_embedding: _Optional[_Union[_embedding_pb2.Embedding, _Mapping]] = ..., mood_embedding: _Optional[_Union[_embedding_pb2.Embedding, _Mapping]] = ..., category_id: _Optional[int] = ..., exclude_post_ids: _Optional[_Iterable[int]] = ..., seen_post_ids: _Optional[_Iterable[int]] = ..., offset: _Optional[int] = ..., limit: _Optional[int] = ..., bundle_id: _Optional[str] = ..., exclude_external_ids: _Optional[_Iterable[str]] = ..., not_interested_post_ids: _Optional[_Iterable[int]] = ..., withheld_post_ids: _Optional[_Iterable[int]] = ..., trending: _Optional[bool] = ..., counted_position: _Optional[int] = ..., at_least_position: _Optional[int] = ..., similar_to_post_id: _Optional[int] = ..., similar_to_external_id: _Optional[str] = ..., category_ids: _Optional[_Iterable[int]] = ..., excluded_category_ids: _Optional[_Iterable[int]] = ..., excluded_owner_usernames: _Optional[_Iterable[str]] = ..., created_after_ms: _Optional[int] = ..., languages: _Optional[_Iterable[str]] = ..., diversity: _Optional[float] = ..., most_per_owner: _Optional[int] = ..., explain: _Optional[bool] = ..., posts_position: _Optional[int] = ..., rules_moment_ms: _Optional[int] = ..., exploration_share: _Optional[float] = ..., exploration_seed: _Optional[int] = ..., recent_history: _Optional[_Union[_embedding_pb2.RecentHistory, _Mapping]] = ...) -> None: ...

class RankedPost(_message.Message):
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
    reason: _feed_pb2.Reason
    explanation: _feed_pb2.Explanation
    def __init__(self, post_id: _Optional[int] = ..., video_link: _Optional[str] = ..., title: _Optional[str] = ..., thumbnail_url: _Optional[str] = ..., category_id: _Optional[int] = ..., owner_username: _Optional[str] = ..., score: _Optional[float] = ..., external_id: _Optional[str] = ..., ranking_score: _Optional[float] = ..., reason: _Optional[_Union[_feed_pb2.Reason, str]] = ..., explanation: _Optional[_Union[_feed_pb2.Explanation, _Mapping]] = ...) -> None: ...

class SearchPostsResponse(_message.Message):
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
    posts: _containers.RepeatedCompositeFieldContainer[RankedPost]
    has_more: bool
    ranking: SearchRanking
    bundle_id: str
    current_bundle_id: str
    counted_position: int
    posts_position: int
    rules_moment_ms: int
    approximate: bool
    unavailable_engine: str
    def __init__(self, posts: _Optional[_Iterable[_Union[RankedPost, _Mapping]]] = ..., has_more: _Optional[bool] = ..., ranking: _Optional[_Union[SearchRanking, str]] = ..., bundle_id: _Optional[str] = ..., current_bundle_id: _Optional[str] = ..., counted_position: _Optional[int] = ..., posts_position: _Optional[int] = ..., rules_moment_ms: _Optional[int] = ..., approximate: _Optional[bool] = ..., unavailable_engine: _Optional[str] = ...) -> None: ...

class ListStandInTitlesRequest(_message.Message):
    __slots__ = ("post_ids",)
    POST_IDS_FIELD_NUMBER: _ClassVar[int]
    post_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, post_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class ListStandInTitlesResponse(_message.Message):
    __slots__ = ("titles",)
    class TitlesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: int
        value: str
        def __init__(self, key: _Optional[int] = ..., value: _Optional[str] = ...) -> None: ...
    TITLES_FIELD_NUMBER: _ClassVar[int]
    titles: _containers.ScalarMap[int, str]
    def __init__(self, titles: _Optional[_Mapping[int, str]] = ...) -> None: ...

class ListCategoriesRequest(_message.Message):
    __slots__ = ("bundle_id",)
    BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    bundle_id: str
    def __init__(self, bundle_id: _Optional[str] = ...) -> None: ...

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
    __slots__ = ("categories", "bundle_id")
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    categories: _containers.RepeatedCompositeFieldContainer[Category]
    bundle_id: str
    def __init__(self, categories: _Optional[_Iterable[_Union[Category, _Mapping]]] = ..., bundle_id: _Optional[str] = ...) -> None: ...

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

class UpsertPostsRequest(_message.Message):
    __slots__ = ("posts",)
    POSTS_FIELD_NUMBER: _ClassVar[int]
    posts: _containers.RepeatedCompositeFieldContainer[_catalog_pb2.Post]
    def __init__(self, posts: _Optional[_Iterable[_Union[_catalog_pb2.Post, _Mapping]]] = ...) -> None: ...

class UpsertPostsResponse(_message.Message):
    __slots__ = ("position", "results")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    position: int
    results: _containers.RepeatedCompositeFieldContainer[_catalog_pb2.PostResult]
    def __init__(self, position: _Optional[int] = ..., results: _Optional[_Iterable[_Union[_catalog_pb2.PostResult, _Mapping]]] = ...) -> None: ...

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

class GetPostsResponse(_message.Message):
    __slots__ = ("posts",)
    POSTS_FIELD_NUMBER: _ClassVar[int]
    posts: _containers.RepeatedCompositeFieldContainer[_catalog_pb2.KeptPost]
    def __init__(self, posts: _Optional[_Iterable[_Union[_catalog_pb2.KeptPost, _Mapping]]] = ...) -> None: ...

class SetRuleRequest(_message.Message):
    __slots__ = ("rule",)
    RULE_FIELD_NUMBER: _ClassVar[int]
    rule: _rules_pb2.Rule
    def __init__(self, rule: _Optional[_Union[_rules_pb2.Rule, _Mapping]] = ...) -> None: ...

class SetRuleResponse(_message.Message):
    __slots__ = ("position",)
    POSITION_FIELD_NUMBER: _ClassVar[int]
    position: int
    def __init__(self, position: _Optional[int] = ...) -> None: ...

class DeleteRuleRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DeleteRuleResponse(_message.Message):
    __slots__ = ("position",)
    POSITION_FIELD_NUMBER: _ClassVar[int]
    position: int
    def __init__(self, position: _Optional[int] = ...) -> None: ...

class ListRulesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListRulesResponse(_message.Message):
    __slots__ = ("rules",)
    RULES_FIELD_NUMBER: _ClassVar[int]
    rules: _containers.RepeatedCompositeFieldContainer[_rules_pb2.Rule]
    def __init__(self, rules: _Optional[_Iterable[_Union[_rules_pb2.Rule, _Mapping]]] = ...) -> None: ...

class RankPostsRequest(_message.Message):
    __slots__ = ("search", "shard", "shards", "count", "describes_all", "described_places", "described_post_ids")
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    SHARD_FIELD_NUMBER: _ClassVar[int]
    SHARDS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    DESCRIBES_ALL_FIELD_NUMBER: _ClassVar[int]
    DESCRIBED_PLACES_FIELD_NUMBER: _ClassVar[int]
    DESCRIBED_POST_IDS_FIELD_NUMBER: _ClassVar[int]
    search: SearchPostsRequest
    shard: int
    shards: int
    count: int
    describes_all: bool
    described_places: _containers.RepeatedScalarFieldContainer[int]
    described_post_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, search: _Optional[_Union[SearchPostsRequest, _Mapping]] = ..., shard: _Optional[int] = ..., shards: _Optional[int] = ..., count: _Optional[int] = ..., describes_all: _Optional[bool] = ..., described_places: _Optional[_Iterable[int]] = ..., described_post_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class RankPostsResponse(_message.Message):
    __slots__ = ("post_ids", "numbers", "kinds", "trends", "popularity", "total", "unseen_total", "reach", "described_places", "posts", "ranking", "bundle_id", "current_bundle_id", "counted_position", "posts_position", "rules_moment_ms", "posts_changed_position", "explores", "candidate_ids", "candidate_numbers", "candidate_positives", "candidate_impressions", "described_post_ids", "posts_by_id")
    POST_IDS_FIELD_NUMBER: _ClassVar[int]
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    KINDS_FIELD_NUMBER: _ClassVar[int]
    TRENDS_FIELD_NUMBER: _ClassVar[int]
    POPULARITY_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    UNSEEN_TOTAL_FIELD_NUMBER: _ClassVar[int]
    REACH_FIELD_NUMBER: _ClassVar[int]
    DESCRIBED_PLACES_FIELD_NUMBER: _ClassVar[int]
    POSTS_FIELD_NUMBER: _ClassVar[int]
    RANKING_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    CURRENT_BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    COUNTED_POSITION_FIELD_NUMBER: _ClassVar[int]
    POSTS_POSITION_FIELD_NUMBER: _ClassVar[int]
    RULES_MOMENT_MS_FIELD_NUMBER: _ClassVar[int]
    POSTS_CHANGED_POSITION_FIELD_NUMBER: _ClassVar[int]
    EXPLORES_FIELD_NUMBER: _ClassVar[int]
    CANDIDATE_IDS_FIELD_NUMBER: _ClassVar[int]
    CANDIDATE_NUMBERS_FIELD_NUMBER: _ClassVar[int]
    CANDIDATE_POSITIVES_FIELD_NUMBER: _ClassVar[int]
    CANDIDATE_IMPRESSIONS_FIELD_NUMBER: _ClassVar[int]
    DESCRIBED_POST_IDS_FIELD_NUMBER: _ClassVar[int]
    POSTS_BY_ID_FIELD_NUMBER: _ClassVar[int]
    post_ids: _containers.RepeatedScalarFieldContainer[int]
    numbers: _containers.RepeatedScalarFieldContainer[float]
    kinds: bytes
    trends: _containers.RepeatedScalarFieldContainer[float]
    popularity: _containers.RepeatedScalarFieldContainer[float]
    total: int
    unseen_total: int
    reach: float
    described_places: _containers.RepeatedScalarFieldContainer[int]
    posts: _containers.RepeatedScalarFieldContainer[bytes]
    ranking: SearchRanking
    bundle_id: str
    current_bundle_id: str
    counted_position: int
    posts_position: int
    rules_moment_ms: int
    posts_changed_position: int
    explores: bool
    candidate_ids: _containers.RepeatedScalarFieldContainer[int]
    candidate_numbers: _containers.RepeatedScalarFieldContainer[float]
    candidate_positives: _containers.RepeatedScalarFieldContainer[int]
    candidate_impressions: _containers.RepeatedScalarFieldContainer[int]
    described_post_ids: _containers.RepeatedScalarFieldContainer[int]
    posts_by_id: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, post_ids: _Optional[_Iterable[int]] = ..., numbers: _Optional[_Iterable[float]] = ..., kinds: _Optional[bytes] = ..., trends: _Optional[_Iterable[float]] = ..., popularity: _Optional[_Iterable[float]] = ..., total: _Optional[int] = ..., unseen_total: _Optional[int] = ..., reach: _Optional[float] = ..., described_places: _Optional[_Iterable[int]] = ..., posts: _Optional[_Iterable[bytes]] = ..., ranking: _Optional[_Union[SearchRanking, str]] = ..., bundle_id: _Optional[str] = ..., current_bundle_id: _Optional[str] = ..., counted_position: _Optional[int] = ..., posts_position: _Optional[int] = ..., rules_moment_ms: _Optional[int] = ..., posts_changed_position: _Optional[int] = ..., explores: _Optional[bool] = ..., candidate_ids: _Optional[_Iterable[int]] = ..., candidate_numbers: _Optional[_Iterable[float]] = ..., candidate_positives: _Optional[_Iterable[int]] = ..., candidate_impressions: _Optional[_Iterable[int]] = ..., described_post_ids: _Optional[_Iterable[int]] = ..., posts_by_id: _Optional[_Iterable[bytes]] = ...) -> None: ...

class ReorderPostsRequest(_message.Message):
    __slots__ = ("bundle_id", "posts_position", "post_ids", "numbers", "pinned_total", "unseen_total", "total", "offset", "limit", "diversity", "most_per_owner", "exploration_share", "exploration_seed", "candidate_ids", "candidate_positives", "candidate_impressions")
    BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    POSTS_POSITION_FIELD_NUMBER: _ClassVar[int]
    POST_IDS_FIELD_NUMBER: _ClassVar[int]
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    PINNED_TOTAL_FIELD_NUMBER: _ClassVar[int]
    UNSEEN_TOTAL_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    DIVERSITY_FIELD_NUMBER: _ClassVar[int]
    MOST_PER_OWNER_FIELD_NUMBER: _ClassVar[int]
    EXPLORATION_SHARE_FIELD_NUMBER: _ClassVar[int]
    EXPLORATION_SEED_FIELD_NUMBER: _ClassVar[int]
    CANDIDATE_IDS_FIELD_NUMBER: _ClassVar[int]
    CANDIDATE_POSITIVES_FIELD_NUMBER: _ClassVar[int]
    CANDIDATE_IMPRESSIONS_FIELD_NUMBER: _ClassVar[int]
    bundle_id: str
    posts_position: int
    post_ids: _containers.RepeatedScalarFieldContainer[int]
    numbers: _containers.RepeatedScalarFieldContainer[float]
    pinned_total: int
    unseen_total: int
    total: int
    offset: int
    limit: int
    diversity: float
    most_per_owner: int
    exploration_share: float
    exploration_seed: int
    candidate_ids: _containers.RepeatedScalarFieldContainer[int]
    candidate_positives: _containers.RepeatedScalarFieldContainer[int]
    candidate_impressions: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, bundle_id: _Optional[str] = ..., posts_position: _Optional[int] = ..., post_ids: _Optional[_Iterable[int]] = ..., numbers: _Optional[_Iterable[float]] = ..., pinned_total: _Optional[int] = ..., unseen_total: _Optional[int] = ..., total: _Optional[int] = ..., offset: _Optional[int] = ..., limit: _Optional[int] = ..., diversity: _Optional[float] = ..., most_per_owner: _Optional[int] = ..., exploration_share: _Optional[float] = ..., exploration_seed: _Optional[int] = ..., candidate_ids: _Optional[_Iterable[int]] = ..., candidate_positives: _Optional[_Iterable[int]] = ..., candidate_impressions: _Optional[_Iterable[int]] = ...) -> None: ...

class ReorderPostsResponse(_message.Message):
    __slots__ = ("needed_count", "post_ids", "numbers", "has_more", "explored_post_ids")
    NEEDED_COUNT_FIELD_NUMBER: _ClassVar[int]
    POST_IDS_FIELD_NUMBER: _ClassVar[int]
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    HAS_MORE_FIELD_NUMBER: _ClassVar[int]
    EXPLORED_POST_IDS_FIELD_NUMBER: _ClassVar[int]
    needed_count: int
    post_ids: _containers.RepeatedScalarFieldContainer[int]
    numbers: _containers.RepeatedScalarFieldContainer[float]
    has_more: bool
    explored_post_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, needed_count: _Optional[int] = ..., post_ids: _Optional[_Iterable[int]] = ..., numbers: _Optional[_Iterable[float]] = ..., has_more: _Optional[bool] = ..., explored_post_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class GetShardRequest(_message.Message):
    __slots__ = ("bundle_id",)
    BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    bundle_id: str
    def __init__(self, bundle_id: _Optional[str] = ...) -> None: ...

class GetShardResponse(_message.Message):
    __slots__ = ("shard", "shards", "first_category_ids", "bundle_id", "current_bundle_id", "previous_bundle_id")
    SHARD_FIELD_NUMBER: _ClassVar[int]
    SHARDS_FIELD_NUMBER: _ClassVar[int]
    FIRST_CATEGORY_IDS_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    CURRENT_BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    shard: int
    shards: int
    first_category_ids: _containers.RepeatedScalarFieldContainer[int]
    bundle_id: str
    current_bundle_id: str
    previous_bundle_id: str
    def __init__(self, shard: _Optional[int] = ..., shards: _Optional[int] = ..., first_category_ids: _Optional[_Iterable[int]] = ..., bundle_id: _Optional[str] = ..., current_bundle_id: _Optional[str] = ..., previous_bundle_id: _Optional[str] = ...) -> None: ...
