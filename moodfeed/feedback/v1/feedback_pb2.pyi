import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Verb(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERB_UNSPECIFIED: _ClassVar[Verb]
    VERB_VIEW: _ClassVar[Verb]
    VERB_LIKE: _ClassVar[Verb]
    VERB_INSPIRE: _ClassVar[Verb]
    VERB_RATING: _ClassVar[Verb]
    VERB_SKIP: _ClassVar[Verb]
    VERB_NOT_INTERESTED: _ClassVar[Verb]

class RecordResult(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RECORD_RESULT_UNSPECIFIED: _ClassVar[RecordResult]
    RECORD_RESULT_ACCEPTED: _ClassVar[RecordResult]
    RECORD_RESULT_DUPLICATE: _ClassVar[RecordResult]
    RECORD_RESULT_REJECTED: _ClassVar[RecordResult]
VERB_UNSPECIFIED: Verb
VERB_VIEW: Verb
VERB_LIKE: Verb
VERB_INSPIRE: Verb
VERB_RATING: Verb
VERB_SKIP: Verb
VERB_NOT_INTERESTED: Verb
RECORD_RESULT_UNSPECIFIED: RecordResult
RECORD_RESULT_ACCEPTED: RecordResult
RECORD_RESULT_DUPLICATE: RecordResult
RECORD_RESULT_REJECTED: RecordResult

class Interaction(_message.Message):
    __slots__ = ("event_id", "username", "post_id", "verb", "watched_share", "rating_percent", "occurred_at", "retracts", "feed_id", "external_id", "place")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    POST_ID_FIELD_NUMBER: _ClassVar[int]
    VERB_FIELD_NUMBER: _ClassVar[int]
    WATCHED_SHARE_FIELD_NUMBER: _ClassVar[int]
    RATING_PERCENT_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    RETRACTS_FIELD_NUMBER: _ClassVar[int]
    FEED_ID_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_ID_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    username: str
    post_id: int
    verb: Verb
    watched_share: float
    rating_percent: int
    occurred_at: _timestamp_pb2.Timestamp
    retracts: str
    feed_id: str
    external_id: str
    place: int
    def __init__(self, event_id: _Optional[str] = ..., username: _Optional[str] = ..., post_id: _Optional[int] = ..., verb: _Optional[_Union[Verb, str]] = ..., watched_share: _Optional[float] = ..., rating_percent: _Optional[int] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., retracts: _Optional[str] = ..., feed_id: _Optional[str] = ..., external_id: _Optional[str] = ..., place: _Optional[int] = ...) -> None: ...

class RecordInteractionsRequest(_message.Message):
    __slots__ = ("interactions",)
    INTERACTIONS_FIELD_NUMBER: _ClassVar[int]
    interactions: _containers.RepeatedCompositeFieldContainer[Interaction]
    def __init__(self, interactions: _Optional[_Iterable[_Union[Interaction, _Mapping]]] = ...) -> None: ...

class InteractionResult(_message.Message):
    __slots__ = ("result", "reason", "event_id")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    result: RecordResult
    reason: str
    event_id: str
    def __init__(self, result: _Optional[_Union[RecordResult, str]] = ..., reason: _Optional[str] = ..., event_id: _Optional[str] = ...) -> None: ...

class RecordInteractionsResponse(_message.Message):
    __slots__ = ("position", "results")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    position: int
    results: _containers.RepeatedCompositeFieldContainer[InteractionResult]
    def __init__(self, position: _Optional[int] = ..., results: _Optional[_Iterable[_Union[InteractionResult, _Mapping]]] = ...) -> None: ...

class ExportPersonRequest(_message.Message):
    __slots__ = ("username",)
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    username: str
    def __init__(self, username: _Optional[str] = ...) -> None: ...

class RecordedInteraction(_message.Message):
    __slots__ = ("interaction", "position", "is_taken_back")
    INTERACTION_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    IS_TAKEN_BACK_FIELD_NUMBER: _ClassVar[int]
    interaction: Interaction
    position: int
    is_taken_back: bool
    def __init__(self, interaction: _Optional[_Union[Interaction, _Mapping]] = ..., position: _Optional[int] = ..., is_taken_back: _Optional[bool] = ...) -> None: ...

class ServedPosts(_message.Message):
    __slots__ = ("post_ids", "shown_at", "feed_id")
    POST_IDS_FIELD_NUMBER: _ClassVar[int]
    SHOWN_AT_FIELD_NUMBER: _ClassVar[int]
    FEED_ID_FIELD_NUMBER: _ClassVar[int]
    post_ids: _containers.RepeatedScalarFieldContainer[int]
    shown_at: _timestamp_pb2.Timestamp
    feed_id: str
    def __init__(self, post_ids: _Optional[_Iterable[int]] = ..., shown_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., feed_id: _Optional[str] = ...) -> None: ...

class ExportPersonResponse(_message.Message):
    __slots__ = ("username", "position", "interactions", "served", "merged_usernames")
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    INTERACTIONS_FIELD_NUMBER: _ClassVar[int]
    SERVED_FIELD_NUMBER: _ClassVar[int]
    MERGED_USERNAMES_FIELD_NUMBER: _ClassVar[int]
    username: str
    position: int
    interactions: _containers.RepeatedCompositeFieldContainer[RecordedInteraction]
    served: _containers.RepeatedCompositeFieldContainer[ServedPosts]
    merged_usernames: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, username: _Optional[str] = ..., position: _Optional[int] = ..., interactions: _Optional[_Iterable[_Union[RecordedInteraction, _Mapping]]] = ..., served: _Optional[_Iterable[_Union[ServedPosts, _Mapping]]] = ..., merged_usernames: _Optional[_Iterable[str]] = ...) -> None: ...

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
