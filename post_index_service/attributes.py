"""What filters ask about the posts of one segment: account, language and moment, as arrays that are scanned fast."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from bundle.served_posts import PostTable

NumberOfRow = NDArray[np.int32]
RowNumbers = NDArray[np.int32]
NO_ACCOUNT = -1
_BLOCK = 16_384  # posts whose texts are copied at once


class Owners:
    """The posts of each account: ``of_row`` int32 [posts] has the same number for posts of one account.

    An account is looked up by a hash of 8 bytes; its name stays in the bundle's file, and is compared then.
    """

    def __init__(self, posts: PostTable) -> None:
        numbers: defaultdict[bytes, int] = defaultdict()
        numbers.default_factory = numbers.__len__
        self.of_row: NumberOfRow = _numbered(posts, "owner_username", numbers)
        self._nobody = numbers.get(b"", NO_ACCOUNT)
        self.count = len(numbers)
        self._posts = posts
        self._rows: RowNumbers = np.argsort(self.of_row, kind="stable").astype(np.int32)
        self._starts = np.searchsorted(self.of_row, np.arange(len(numbers) + 1), sorter=self._rows).astype(np.int32)
        hashes = np.fromiter(map(hash, numbers), dtype=np.int64, count=len(numbers))
        self._by_hash = np.argsort(hashes).astype(np.int32)
        self._hashes = hashes[self._by_hash]

    def account_of(self, rows: NDArray[np.int64]) -> NumberOfRow:
        """The number of each row's account, NO_ACCOUNT if it has none."""
        numbers = self.of_row[rows]
        return np.where(numbers == self._nobody, np.int32(NO_ACCOUNT), numbers)

    def number_of(self, owner_username: str) -> int:
        """The number of an account, NO_ACCOUNT if it has no posts; the name is compared exactly."""
        rows = self.rows_of(owner_username) if owner_username else self._rows[:0]
        return int(self.of_row[rows[0]]) if len(rows) else NO_ACCOUNT

    def rows_of(self, owner_username: str) -> RowNumbers:
        """The rows of an account's posts, ascending; the name is compared exactly."""
        name = owner_username.encode()
        digest = hash(name)
        first, end = self._hashes.searchsorted(digest, "left"), self._hashes.searchsorted(digest, "right")
        for number in self._by_hash[first:end].tolist():
            rows = self._rows[self._starts[number] : self._starts[number + 1]]
            if self._posts.text_of("owner_username", int(rows[0])) == name:
                return rows
        return self._rows[:0]


class Languages:
    """The language of each post: ``of_row`` int32 [posts], the same number for names that differ in case alone."""

    def __init__(self, posts: PostTable) -> None:
        numbers: defaultdict[bytes, int] = defaultdict()
        numbers.default_factory = numbers.__len__
        written = _numbered(posts, "language", numbers)
        self._numbers: dict[str, int] = {}
        folded = [self._numbers.setdefault(name.decode().casefold(), len(self._numbers)) for name in numbers]
        self.of_row: NumberOfRow = np.array(folded, dtype=np.int32)[written] if folded else written

    def is_any_of(self, languages: Iterable[str], span: slice) -> NDArray[np.bool_]:
        """A mask of the posts of a slice that are of one of these languages; an empty name is no language."""
        of_row = self.of_row[span]
        mask = np.zeros(len(of_row), dtype=np.bool_)
        for name in {language.casefold() for language in languages if language}:
            if name in self._numbers:
                mask |= of_row == self._numbers[name]
        return mask


class Attributes:
    """The accounts, languages and moments of the posts of one segment, by row; ``created_ms`` int64 [posts]."""

    def __init__(self, posts: PostTable, created_ms: NDArray[np.int64]) -> None:
        self.owners = Owners(posts)
        self.languages = Languages(posts)
        self.created_ms = created_ms

    def __len__(self) -> int:
        return len(self.created_ms)


def _numbered(posts: PostTable, name: str, numbers: defaultdict[bytes, int]) -> NumberOfRow:
    starts, ends = posts.ends_of(name)
    if not (ends > starts).any():  # all are empty: the usual case of languages
        if len(posts):
            numbers[b""]
        return np.zeros(len(posts), dtype=np.int32)
    return np.fromiter((numbers[text] for text in _texts(posts, starts, ends)), dtype=np.int32, count=len(posts))


def _texts(posts: PostTable, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Iterator[bytes]:
    for first in range(0, len(starts), _BLOCK):
        block = slice(first, first + _BLOCK)
        base = int(starts[block][0])
        text = posts.text[base : int(ends[block][-1])].tobytes()
        for start, end in zip((starts[block] - base).tolist(), (ends[block] - base).tolist(), strict=True):
            yield text[start:end]
