from moodfeed.embedding.v1 import embedding_pb2 as _embedding_pb2
from moodfeed.feedback.v1 import feedback_pb2 as _feedback_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EncodeContextRequest(_message.Message):
    __slots__ = ("username", "mood", "bundle_id", "as_of_position", "at_least_position", "wanted_position", "served_since_ms", "feed")
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    MOOD_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    AS_OF_POSITION_FIELD_NUMBER: _ClassVar[int]
    AT_LEAST_POSITION_FIELD_NUMBER: _ClassVar[int]
    WANTED_POSITION_FIELD_NUMBER: _ClassVar[int]
    SERVED_SINCE_MS_FIELD_NUMBER: _ClassVar[int]
    FEED_FIELD_NUMBER: _ClassVar[int]
    username: str
    mood: str
    bundle_id: str
    as_of_position: int
    at_least_position: int
    wanted_position: int
    served_since_ms: int
    feed: str
    def __init__(self, username: _Optional[str] = ..., mood: _Optional[str] = ..., bundle_id: _Optional[str] = ..., as_of_position: _Optional[int] = ..., at_least_position: _Optional[int] = ..., wanted_position: _Optional[int] = ..., served_since_ms: _Optional[int] = ..., feed: _Optional[str] = ...) -> None: ...

class EncodeContextResponse(_message.Message):
    __slots__ = ("user_embedding", "mood_embedding", "seen_post_ids", "bundle_id", "mood_unavailable", "position", "changed_position", "not_interested_post_ids", "withheld_post_ids", "served_since_ms", "served", "recent_history", "mood_not_understood")
    USER_EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    MOOD_EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    SEEN_POST_IDS_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    MOOD_UNAVAILABLE_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    CHANGED_POSITION_FIELD_NUMBER: _ClassVar[int]
    NOT_INTERESTED_POST_IDS_FIELD_NUMBER: _ClassVar[int]
    WITHHELD_POST_IDS_FIELD_NUMBER: _ClassVar[int]
    SERVED_SINCE_MS_FIELD_NUMBER: _ClassVar[int]
    SERVED_FIELD_NUMBER: _ClassVar[int]
    RECENT_HISTORY_FIELD_NUMBER: _ClassVar[int]
    MOOD_NOT_UNDERSTOOD_FIELD_NUMBER: _ClassVar[int]
    user_embedding: _embedding_pb2.Embedding
    mood_embedding: _embedding_pb2.Embedding
    seen_post_ids: _containers.RepeatedScalarFieldContainer[int]
    bundle_id: str
    mood_unavailable: bool
    position: int
    changed_position: int
    not_interested_post_ids: _containers.RepeatedScalarFieldContainer[int]
    withheld_post_ids: _containers.RepeatedScalarFieldContainer[int]
    served_since_ms: int
    served: ServedPosts
    recent_history: _embedding_pb2.RecentHistory
    mood_not_understood: bool
    def __init__(self, user_embedding: _Optional[_Union[_embedding_pb2.Embedding, _Mapping]] = ..., mood_embedding: _Optional[_Union[_embedding_pb2.Embedding, _Mapping]] = ..., seen_post_ids: _Optional[_Iterable[int]] = ..., bundle_id: _Optional[str] = ..., mood_unavailable: _Optional[bool] = ..., position: _Optional[int] = ..., changed_position: _Optional[int] = ..., not_interested_post_ids: _Optional[_Iterable[int]] = ..., withheld_post_ids: _Optional[_Iterable[int]] = ..., served_since_ms: _Optional[int] = ..., served: _Optional[_Union[ServedPosts, _Mapping]] = ..., recent_history: _Optional[_Union[_embedding_pb2.RecentHistory, _Mapping]] = ..., mood_not_understood: _Optional[bool] = ...) -> None: ...

class ServedPosts(_message.Message):
    __slots__ = ("post_ids", "elsewhere_post_ids", "read_up_to")
    POST_IDS_FIELD_NUMBER: _ClassVar[int]
    ELSEWHERE_POST_IDS_FIELD_NUMBER: _ClassVar[int]
    READ_UP_TO_FIELD_NUMBER: _ClassVar[int]
    post_ids: _containers.RepeatedScalarFieldContainer[int]
    elsewhere_post_ids: _containers.RepeatedScalarFieldContainer[int]
    read_up_to: int
    def __init__(self, post_ids: _Optional[_Iterable[int]] = ..., elsewhere_post_ids: _Optional[_Iterable[int]] = ..., read_up_to: _Optional[int] = ...) -> None: ...

class UserAndMood(_message.Message):
    __slots__ = ("username", "mood", "as_of_position", "at_least_position", "wanted_position", "served_since_ms", "feed")
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    MOOD_FIELD_NUMBER: _ClassVar[int]
    AS_OF_POSITION_FIELD_NUMBER: _ClassVar[int]
    AT_LEAST_POSITION_FIELD_NUMBER: _ClassVar[int]
    WANTED_POSITION_FIELD_NUMBER: _ClassVar[int]
    SERVED_SINCE_MS_FIELD_NUMBER: _ClassVar[int]
    FEED_FIELD_NUMBER: _ClassVar[int]
    username: str
    mood: str
    as_of_position: int
    at_least_position: int
    wanted_position: int
    served_since_ms: int
    feed: str
    def __init__(self, username: _Optional[str] = ..., mood: _Optional[str] = ..., as_of_position: _Optional[int] = ..., at_least_position: _Optional[int] = ..., wanted_position: _Optional[int] = ..., served_since_ms: _Optional[int] = ..., feed: _Optional[str] = ...) -> None: ...

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

class RecordInteractionsRequest(_message.Message):
    __slots__ = ("interactions",)
    INTERACTIONS_FIELD_NUMBER: _ClassVar[int]
    interactions: _containers.RepeatedCompositeFieldContainer[_feedback_pb2.Interaction]
    def __init__(self, interactions: _Optional[_Iterable[_Union[_feedback_pb2.Interaction, _Mapping]]] = ...) -> None: ...

class RecordInteractionsResponse(_message.Message):
    __slots__ = ("position", "results")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    position: int
    results: _containers.RepeatedCompositeFieldContainer[_feedback_pb2.InteractionResult]
    def __init__(self, position: _Optional[int] = ..., results: _Optional[_Iterable[_Union[_feedback_pb2.InteractionResult, _Mapping]]] = ...) -> None: ...

class RememberServedRequest(_message.Message):
    __slots__ = ("username", "post_ids", "feed_id", "read_up_to")
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    POST_IDS_FIELD_NUMBER: _ClassVar[int]
    FEED_ID_FIELD_NUMBER: _ClassVar[int]
    READ_UP_TO_FIELD_NUMBER: _ClassVar[int]
    username: str
    post_ids: _containers.RepeatedScalarFieldContainer[int]
    feed_id: str
    read_up_to: int
    def __init__(self, username: _Optional[str] = ..., post_ids: _Optional[_Iterable[int]] = ..., feed_id: _Optional[str] = ..., read_up_to: _Optional[int] = ...) -> None: ...

class RememberServedResponse(_message.Message):
    __slots__ = ("position", "is_taken")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    IS_TAKEN_FIELD_NUMBER: _ClassVar[int]
    position: int
    is_taken: bool
    def __init__(self, position: _Optional[int] = ..., is_taken: _Optional[bool] = ...) -> None: ...

class WatchPeopleRequest(_message.Message):
    __slots__ = ("after_position",)
    AFTER_POSITION_FIELD_NUMBER: _ClassVar[int]
    after_position: int
    def __init__(self, after_position: _Optional[int] = ...) -> None: ...

class WatchPeopleResponse(_message.Message):
    __slots__ = ("position", "usernames", "is_everybody", "has_store")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    USERNAMES_FIELD_NUMBER: _ClassVar[int]
    IS_EVERYBODY_FIELD_NUMBER: _ClassVar[int]
    HAS_STORE_FIELD_NUMBER: _ClassVar[int]
    position: int
    usernames: _containers.RepeatedScalarFieldContainer[str]
    is_everybody: bool
    has_store: bool
    def __init__(self, position: _Optional[int] = ..., usernames: _Optional[_Iterable[str]] = ..., is_everybody: _Optional[bool] = ..., has_store: _Optional[bool] = ...) -> None: ...

class ListPeopleRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListPeopleResponse(_message.Message):
    __slots__ = ("usernames",)
    USERNAMES_FIELD_NUMBER: _ClassVar[int]
    usernames: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, usernames: _Optional[_Iterable[str]] = ...) -> None: ...

class ReadMoodRequest(_message.Message):
    __slots__ = ("mood",)
    MOOD_FIELD_NUMBER: _ClassVar[int]
    mood: str
    def __init__(self, mood: _Optional[str] = ...) -> None: ...

class ReadMoodResponse(_message.Message):
    __slots__ = ("wanted", "avoided", "language", "words", "is_understood")
    WANTED_FIELD_NUMBER: _ClassVar[int]
    AVOIDED_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    IS_UNDERSTOOD_FIELD_NUMBER: _ClassVar[int]
    wanted: _containers.RepeatedCompositeFieldContainer[WeightedFamily]
    avoided: _containers.RepeatedCompositeFieldContainer[WeightedFamily]
    language: str
    words: _containers.RepeatedCompositeFieldContainer[MoodWord]
    is_understood: bool
    def __init__(self, wanted: _Optional[_Iterable[_Union[WeightedFamily, _Mapping]]] = ..., avoided: _Optional[_Iterable[_Union[WeightedFamily, _Mapping]]] = ..., language: _Optional[str] = ..., words: _Optional[_Iterable[_Union[MoodWord, _Mapping]]] = ..., is_understood: _Optional[bool] = ...) -> None: ...

class WeightedFamily(_message.Message):
    __slots__ = ("name", "weight")
    NAME_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    name: str
    weight: float
    def __init__(self, name: _Optional[str] = ..., weight: _Optional[float] = ...) -> None: ...

class MoodWord(_message.Message):
    __slots__ = ("text", "families", "is_avoided")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    FAMILIES_FIELD_NUMBER: _ClassVar[int]
    IS_AVOIDED_FIELD_NUMBER: _ClassVar[int]
    text: str
    families: _containers.RepeatedScalarFieldContainer[str]
    is_avoided: bool
    def __init__(self, text: _Optional[str] = ..., families: _Optional[_Iterable[str]] = ..., is_avoided: _Optional[bool] = ...) -> None: ...

class ExportPersonRequest(_message.Message):
    __slots__ = ("username",)
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    username: str
    def __init__(self, username: _Optional[str] = ...) -> None: ...

class ExportPersonResponse(_message.Message):
    __slots__ = ("person",)
    PERSON_FIELD_NUMBER: _ClassVar[int]
    person: _feedback_pb2.ExportPersonResponse
    def __init__(self, person: _Optional[_Union[_feedback_pb2.ExportPersonResponse, _Mapping]] = ...) -> None: ...

class DeletePersonRequest(_message.Message):
    __slots__ = ("username",)
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    username: str
    def __init__(self, username: _Optional[str] = ...) -> None: ...

class DeletePersonResponse(_message.Message):
    __slots__ = ("position",)
    POSITION_FIELD_NUMBER: _ClassVar[int]
    position: int
    def __init__(self, position: _Optional[int] = ...) -> None: ...

class MergePeopleRequest(_message.Message):
    __slots__ = ("merged_username", "into_username")
    MERGED_USERNAME_FIELD_NUMBER: _ClassVar[int]
    INTO_USERNAME_FIELD_NUMBER: _ClassVar[int]
    merged_username: str
    into_username: str
    def __init__(self, merged_username: _Optional[str] = ..., into_username: _Optional[str] = ...) -> None: ...

class MergePeopleResponse(_message.Message):
    __slots__ = ("position",)
    POSITION_FIELD_NUMBER: _ClassVar[int]
    position: int
    def __init__(self, position: _Optional[int] = ...) -> None: ...
