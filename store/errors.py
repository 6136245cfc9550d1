"""The errors of the store.

StoreError
├── StoreUnavailableError    the database does not answer, is locked for too long, or its disk is full
├── InvalidInteractionError  a value that cannot be stored; also a ValueError
├── InvalidPostError         a post or a rule that cannot be stored; also a ValueError
├── StoreVersionError        the tables have another version than this program
├── StoreUrlError            an address that names no supported database
└── BackupError              a file that is no backup, or a store that may not be overwritten
"""


class StoreError(Exception):
    """The root of the store's errors; the message says what was wrong and what to do."""


class StoreUnavailableError(StoreError):
    """The store cannot answer now. Nothing is half written, and the same call may be made again.

    A write whose answer was lost may have been kept. Recording it again with the same event ids is safe.
    """


class InvalidInteractionError(StoreError, ValueError):
    """A value that no row can hold, such as a number that is not finite; the message names the field."""


class InvalidPostError(StoreError, ValueError):
    """A post or a rule with a value that no row can hold; the message names the field."""


class StoreVersionError(StoreError):
    """The tables have another version than this program; the message names both, and what to do."""


class StoreUrlError(StoreError, ValueError):
    """The URL names no database that the store supports; the message never repeats a password."""


class BackupError(StoreError):
    """The file is no backup of a store, or the store that it should replace is not empty."""
