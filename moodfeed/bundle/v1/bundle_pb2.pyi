from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class ReloadBundleRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ReloadBundleResponse(_message.Message):
    __slots__ = ("current_bundle_id", "previous_bundle_id", "changed")
    CURRENT_BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    current_bundle_id: str
    previous_bundle_id: str
    changed: bool
    def __init__(self, current_bundle_id: _Optional[str] = ..., previous_bundle_id: _Optional[str] = ..., changed: _Optional[bool] = ...) -> None: ...

class GetHeldBundlesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetHeldBundlesResponse(_message.Message):
    __slots__ = ("current_bundle_id", "previous_bundle_id")
    CURRENT_BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_BUNDLE_ID_FIELD_NUMBER: _ClassVar[int]
    current_bundle_id: str
    previous_bundle_id: str
    def __init__(self, current_bundle_id: _Optional[str] = ..., previous_bundle_id: _Optional[str] = ...) -> None: ...
