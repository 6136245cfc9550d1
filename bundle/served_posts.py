"""The fields of posts that a feed shows, packed: one text for all posts, and an object only when a post is read."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Self, overload

import numpy as np
from numpy.typing import NDArray

TEXT_FIELDS = ("video_link", "title", "thumbnail_url", "owner_username", "external_id", "language")
_BLOCK = 16_384  # posts whose text is checked at once


@dataclass(frozen=True, slots=True)
class ServedPost:
    """The fields of a post that a feed shows, and its language; category_id 0 means none.

    ``external_id`` is the id of the post at its source, empty if that is its ``post_id``. ``language`` is empty if it
    is not known.
    """

    post_id: int
    video_link: str
    title: str
    thumbnail_url: str
    category_id: int
    owner_username: str
    external_id: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class PostTable(Sequence[ServedPost]):
    """A sequence of posts that holds no object for each: its size is that of the texts and 60 bytes a post.

    ``post_ids`` int64 [posts], ``category_ids`` int32 [posts], ``text`` uint8 [bytes] is the UTF-8 of all posts' six
    text fields, one after the other; field ``f`` of post ``i`` ends at ``offsets[6 * i + f + 1]``, int64
    [6 * posts + 1].
    """

    post_ids: NDArray[np.int64]
    category_ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    text: NDArray[np.uint8]

    @classmethod
    def of(cls, posts: Iterable[ServedPost]) -> Self:
        """Pack posts."""
        posts = list(posts)
        return cls.from_columns(
            np.array([post.post_id for post in posts], dtype=np.int64),
            np.array([post.category_id for post in posts], dtype=np.int32),
            {name: [getattr(post, name) for post in posts] for name in TEXT_FIELDS},
        )

    @classmethod
    def from_columns(
        cls, post_ids: NDArray[np.int64], category_ids: NDArray[np.int32], columns: dict[str, Iterable[str]]
    ) -> Self:
        """Pack posts given as columns; ``columns`` has the texts of all posts for each of TEXT_FIELDS."""
        texts = chain.from_iterable(zip(*(columns[name] for name in TEXT_FIELDS), strict=True))
        encoded = [text.encode() for text in texts]
        offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
        np.cumsum(np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded)), out=offsets[1:])
        return cls(post_ids, category_ids, offsets, np.frombuffer(b"".join(encoded), dtype=np.uint8))

    def __len__(self) -> int:
        return len(self.post_ids)

    @overload
    def __getitem__(self, index: int) -> ServedPost: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[ServedPost, ...]: ...
    def __getitem__(self, index: int | slice) -> ServedPost | tuple[ServedPost, ...]:
        if isinstance(index, slice):
            return tuple(self.at(np.arange(*index.indices(len(self)))))
        return self.at(np.array([range(len(self))[index]]))[0]  # a range handles negative indices and raises IndexError

    def at(self, rows: NDArray[np.int64]) -> list[ServedPost]:
        """The posts at ``rows`` int64 [rows], in that order."""
        fields = len(TEXT_FIELDS)
        ends = self.offsets[fields * rows[:, None] + np.arange(fields + 1)].tolist()
        post_ids, category_ids = self.post_ids[rows].tolist(), self.category_ids[rows].tolist()
        text = self.text.data
        return [
            ServedPost(
                post_id,
                str(text[start:link], "utf-8"),
                str(text[link:title], "utf-8"),
                str(text[title:thumbnail], "utf-8"),
                category_id,
                str(text[thumbnail:owner], "utf-8"),
                str(text[owner:external], "utf-8"),
                str(text[external:language], "utf-8"),
            )
            for post_id, category_id, (start, link, title, thumbnail, owner, external, language) in zip(
                post_ids, category_ids, ends, strict=True
            )
        ]

    def external_ids(self) -> Iterator[tuple[int, bytes]]:
        """The row of each post that has an external id, ascending, with the UTF-8 of that id."""
        starts, ends = self.ends_of("external_id")
        rows = np.flatnonzero(ends > starts)
        text = self.text.data
        for row, start, end in zip(rows.tolist(), starts[rows].tolist(), ends[rows].tolist(), strict=True):
            yield row, bytes(text[start:end])

    def external_id(self, row: int) -> bytes:
        """The UTF-8 of the external id of the post in a row; empty if it has none."""
        return self.text_of("external_id", row)

    def text_of(self, name: str, row: int) -> bytes:
        """The UTF-8 of one of TEXT_FIELDS of the post in a row."""
        first = len(TEXT_FIELDS) * row + TEXT_FIELDS.index(name)
        return bytes(self.text[self.offsets[first] : self.offsets[first + 1]])

    def ends_of(self, name: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where the text of one of TEXT_FIELDS begins and ends in ``text``: int64 [posts] each."""
        first, fields = TEXT_FIELDS.index(name), len(TEXT_FIELDS)
        return self.offsets[first : first + fields * len(self) : fields], self.offsets[first + 1 :: fields]

    def __iter__(self) -> Iterator[ServedPost]:
        return (self[row] for row in range(len(self)))

    def complaint(self) -> str:
        """What is wrong with the offsets or the text; empty if every post can be decoded."""
        offsets, size = self.offsets, self.text.size
        if offsets[0] != 0 or offsets[-1] != size or (offsets[1:] < offsets[:-1]).any():
            return "the offsets do not divide the text among the posts"
        for start in range(0, len(self), _BLOCK):
            ends = offsets[len(TEXT_FIELDS) * start : len(TEXT_FIELDS) * (start + _BLOCK) + 1]
            block = self.text[ends[0] : ends[-1]]
            try:
                str(block.data, "utf-8")
            except UnicodeDecodeError as error:
                post = (int(np.searchsorted(ends, ends[0] + error.start, side="right")) - 1) // len(TEXT_FIELDS)
                return f"the text of post {int(self.post_ids[start + post])} is not UTF-8"
            first = block[(ends[:-1] - ends[0])[ends[:-1] < ends[-1]]]
            if ((first & 0xC0) == 0x80).any():  # 10xxxxxx is not the first byte of a character
                return "an offset lies within a character"
        return ""
