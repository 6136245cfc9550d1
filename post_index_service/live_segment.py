"""Posts that came after the bundle, in arrays that grow: a reader holds a part of them that does not change.

A row is one form of a post. It is visible from one position of the log on, and until another: a search as of a
position sees the rows that were visible there. Rows are only appended; what ends in an old row is its visibility, which
no search as of an earlier position looks at differently.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from bundle.embedding_space import Matrix
from bundle.served_posts import ServedPost
from post_index_service.codes import Rows

FOR_EVER = int(np.iinfo(np.int64).max)
_FIRST_ROOM = 64
_GROWS_BY = 2


@dataclass(frozen=True, slots=True)
class LiveRows:
    """Rows of forms of posts; float16 text embeddings stand here as the float32 numbers that they are.

    ``serials`` int64 [rows] ascend and name a row for ever, also after others were dropped. ``trend_rows`` say where a
    post's interactions are counted, ``owners`` are numbers of accounts and ``languages`` of languages. A row that
    ``is_gone`` is of a post that was taken away, and may not be shown on any page any more.
    """

    serials: NDArray[np.int64]
    ids: NDArray[np.int64]
    category_ids: NDArray[np.int32]
    tower: Matrix
    text: Matrix
    popularity: NDArray[np.float32]
    trend_rows: NDArray[np.int64]
    created_at_ms: NDArray[np.int64]
    owners: NDArray[np.int32]
    languages: NDArray[np.int32]
    visible_from: NDArray[np.int64]
    visible_until: NDArray[np.int64]
    is_gone: NDArray[np.bool_]
    posts: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.ids)

    def visible(self, position: int) -> NDArray[np.bool_]:
        """A mask of the rows that are visible as of a position."""
        return np.asarray((self.visible_from <= position) & (self.visible_until > position))

    def post(self, row: int) -> ServedPost:
        """The post of a row as a feed shows it."""
        post: ServedPost = self.posts[row]
        return post


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveForm:
    """A form of a post to append; ``tower`` float32 and ``text`` float16 or float32 [dimension]."""

    post: ServedPost
    tower: NDArray[np.float32]
    text: NDArray[np.float16] | NDArray[np.float32]
    popularity: float
    trend_row: int
    account: int
    created_at_ms: int
    language: str


_NAMES = tuple(field.name for field in fields(LiveRows))


class LiveSegment:
    """The arrays, for one thread that changes them; others may read ``rows`` and ``languages``.

    The latter numbers the languages, in lower case, that rows have.
    """

    def __init__(self, *, tower_dimension: int, text_dimension: int, first_serial: int = 0) -> None:
        self._count = 0
        self.next_serial = first_serial
        self.languages: dict[str, int] = {}
        room = _FIRST_ROOM
        self._arrays = LiveRows(
            serials=np.zeros(room, np.int64),
            ids=np.zeros(room, np.int64),
            category_ids=np.zeros(room, np.int32),
            tower=np.zeros((room, tower_dimension), np.float32),
            text=np.zeros((room, text_dimension), np.float32),
            popularity=np.zeros(room, np.float32),
            trend_rows=np.zeros(room, np.int64),
            created_at_ms=np.zeros(room, np.int64),
            owners=np.zeros(room, np.int32),
            languages=np.zeros(room, np.int32),
            visible_from=np.zeros(room, np.int64),
            visible_until=np.zeros(room, np.int64),
            is_gone=np.zeros(room, np.bool_),
            posts=np.empty(room, np.object_),
        )
        self.rows = self._part()

    def append(self, form: LiveForm, *, position: int) -> int:
        """Append a row that is visible from a position on; gives the row. ``publish`` lets others see it."""
        if self._count == len(self._arrays):
            self._copy(np.arange(self._count), room=_GROWS_BY * self._count)
        row, arrays = self._count, self._arrays
        arrays.serials[row] = self.next_serial
        arrays.ids[row] = form.post.post_id
        arrays.category_ids[row] = form.post.category_id
        arrays.tower[row] = form.tower
        arrays.text[row] = form.text
        arrays.popularity[row] = form.popularity
        arrays.trend_rows[row] = form.trend_row
        arrays.created_at_ms[row] = form.created_at_ms
        arrays.owners[row] = form.account
        arrays.languages[row] = self.languages.setdefault(form.language.casefold(), len(self.languages))
        arrays.visible_from[row] = position
        arrays.visible_until[row] = FOR_EVER
        arrays.is_gone[row] = False
        arrays.posts[row] = form.post
        self._count += 1
        self.next_serial += 1
        return row

    def end(self, row: int, *, position: int) -> None:
        """Let a row be visible before a position alone."""
        self._arrays.visible_until[row] = position

    def take_away(self, post_id: int) -> None:
        """Show no row of a post any more, as of whatever position."""
        self._arrays.is_gone[: self._count][self._arrays.ids[: self._count] == post_id] = True

    def publish(self) -> None:
        """Let others see what was appended."""
        self.rows = self._part()

    def ended_before(self, position: int) -> int:
        """How many rows ended at a position or before it."""
        return int((self._arrays.visible_until[: self._count] <= position).sum())

    def drop(self, position: int) -> NDArray[np.int64]:
        """Drop the rows that ended at a position or before it; gives the old rows of those that are left, ascending."""
        kept = np.flatnonzero(self._arrays.visible_until[: self._count] > position)
        self._copy(kept, room=max(_FIRST_ROOM, _GROWS_BY * len(kept)))
        self.publish()
        return kept

    def _part(self) -> LiveRows:
        return LiveRows(*(getattr(self._arrays, name)[: self._count] for name in _NAMES))

    def _copy(self, kept: Rows, *, room: int) -> None:
        """Into new arrays: whoever reads the old ones keeps them."""
        arrays = []
        for name in _NAMES:
            old = getattr(self._arrays, name)
            new = np.zeros((room, *old.shape[1:]), dtype=old.dtype)
            new[: len(kept)] = old[kept]
            arrays.append(new)
        self._arrays = LiveRows(*arrays)
        self._count = len(kept)
