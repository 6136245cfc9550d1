"""The files of a bundle that the post index reads: all servable posts and their categories."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from bundle.array_checks import check, check_shapes, check_unit_rows, is_ascending, is_in_unit_range
from bundle.array_files import Dtypes, let_go_of_pages, map_arrays, map_bytes, write_arrays
from bundle.directory import Bundle
from bundle.embedding_space import HalfMatrix, Matrix
from bundle.file_names import CATEGORIES, INDEX_ARRAYS, INDEX_POSTS
from bundle.served_posts import TEXT_FIELDS, PostTable
from bundle.text_files import read_lines, write_lines

_INDEX_DTYPES: Dtypes = {
    "post_ids": np.int64,
    "category_ids": np.int32,
    "tower_embeddings": np.float32,
    "text_embeddings": np.float16,
    "popularity": np.float32,
    "text_offsets": np.int64,
    "created_ms": np.int64,
}
UNKNOWN_MOMENT = np.iinfo(np.int64).min
"""The ``created_ms`` of a post whose moment is not known: it is before all others."""


@dataclass(frozen=True, slots=True)
class Category:
    """A category: its id, at least 1, and the name that people see."""

    category_id: int
    name: str


@dataclass(frozen=True, slots=True)
class IndexPosts:
    """All servable posts, ascending by (category_id, post_id), so that a category is a slice.

    ``post_ids`` int64 [posts], ``category_ids`` int32 [posts] (0 = none), ``tower_embeddings`` float32 and
    ``text_embeddings`` float16 [posts, dimension] with unit rows, ``popularity`` float32 [posts] in 0..1,
    ``created_ms`` int64 [posts] in milliseconds since 1970, or UNKNOWN_MOMENT. Moods are compared with the text
    embedding, which is that of the post's mood, or zeros for a post without words. It is float16 in the file, in the
    ranking and in the tests of exactness.
    """

    post_ids: NDArray[np.int64]
    category_ids: NDArray[np.int32]
    tower_embeddings: Matrix
    text_embeddings: HalfMatrix
    popularity: NDArray[np.float32]
    created_ms: NDArray[np.int64]
    posts: PostTable
    categories: tuple[Category, ...]

    def write(self, directory: Path) -> None:
        """Write the three files of the index."""
        write_arrays(
            directory / INDEX_ARRAYS,
            {"text_offsets": self.posts.offsets}
            | {name: getattr(self, name) for name in _INDEX_DTYPES if name != "text_offsets"},
        )
        (directory / INDEX_POSTS).write_bytes(self.posts.text.data)
        write_lines(directory / CATEGORIES, self.categories)

    @classmethod
    def read(cls, bundle: Bundle) -> Self:
        """Map the files and check dtypes, shapes, ranges and order; BundleError names the file.

        Embeddings and texts stay in the files; all processes of a machine share their pages.
        """
        path, posts_path, categories_path = map(bundle.path, (INDEX_ARRAYS, INDEX_POSTS, CATEGORIES))
        arrays = map_arrays(path, _INDEX_DTYPES)
        categories = read_lines(categories_path, Category)
        count = arrays["post_ids"].size
        check_shapes(
            path,
            arrays,
            {
                "post_ids": (count,),
                "category_ids": (count,),
                "tower_embeddings": (count, bundle.manifest.tower_dimension),
                "text_embeddings": (count, bundle.manifest.text_dimension),
                "popularity": (count,),
                "created_ms": (count,),
                "text_offsets": (len(TEXT_FIELDS) * count + 1,),
            },
        )
        post_ids, category_ids = arrays["post_ids"], arrays["category_ids"]
        is_later = (category_ids[1:] > category_ids[:-1]) | (
            (category_ids[1:] == category_ids[:-1]) & (post_ids[1:] > post_ids[:-1])
        )
        check(path, is_later.all(), "the posts do not ascend by category_id and post_id")
        check(path, not count or category_ids[0] >= 0, "category_ids holds a negative value")
        check(path, is_ascending(np.sort(post_ids)), "post_ids names a post twice")
        check(path, np.isfinite(arrays["popularity"]).all(), "popularity holds a value that is not finite")
        check(path, is_in_unit_range(arrays["popularity"]), "popularity is not in 0..1")
        check_unit_rows(path, "tower_embeddings", arrays["tower_embeddings"])
        check_unit_rows(path, "text_embeddings", arrays["text_embeddings"], or_zero=True)
        posts = PostTable(post_ids, category_ids, arrays.pop("text_offsets"), map_bytes(posts_path))
        complaint = posts.complaint()
        check(posts_path, not complaint, f"{complaint} (offsets in {INDEX_ARRAYS})")
        check(
            categories_path,
            [category.category_id for category in categories] == np.unique(category_ids[category_ids > 0]).tolist(),
            f"does not name the categories of {INDEX_ARRAYS}, ascending",
        )
        return cls(posts=posts, categories=categories, **arrays)

    def let_go_of_pages(self) -> None:
        """Return the mapped pages to the system, which reads them again when they are used; safe at any time."""
        for array in (self.tower_embeddings, self.text_embeddings, self.posts.offsets, self.posts.text):
            let_go_of_pages(array)
