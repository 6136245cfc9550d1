"""Posts in both spaces by the post tower and the mood encoder of one bundle: those of a request, and live posts."""

import hashlib
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from bundle.embedding_space import Embedding, EmbeddingSpace, Matrix
from mood_encoder.mood_text import post_to_mood_sentence
from mood_encoder.post_texts import texts_of
from store.posts import Post, PostEmbedding
from two_tower.features import PostInputs, new_post_features
from user_tower_service.mood_memory import MoodMemory
from user_tower_service.runtime import ServingTowers

_REMEMBERED = 10_000  # live posts, a kilobyte and a half each


@dataclass(frozen=True, slots=True)
class PostContent:
    """A post as its author describes it; category_id 0 means none."""

    post_id: int
    title: str
    description: str
    category_id: int


@dataclass(frozen=True, slots=True)
class EncodedPost:
    """One post in both spaces; moods are compared with ``text``."""

    post_id: int
    tower: Embedding
    text: Embedding


@dataclass(frozen=True, slots=True)
class _Vectors:
    tower: bytes
    text: bytes
    representation: bytes


class PostEncoder:
    """Encodes posts as the pipeline does; a post that training did not know is a new one. Safe in several threads."""

    def __init__(
        self,
        towers: ServingTowers,
        memory: MoodMemory,
        *,
        post_ids: NDArray[np.int64],
        spaces: tuple[EmbeddingSpace, EmbeddingSpace],
    ) -> None:
        """``post_ids`` [posts] ascend and are those of the towers; ``spaces`` are tower space and text space."""
        self._towers = towers
        self._memory = memory
        self._post_ids = post_ids
        self._spaces = spaces
        self._lock = threading.Lock()  # an LRUCache reorders itself when it is read
        self._remembered: LRUCache[bytes, _Vectors] = LRUCache(_REMEMBERED)

    def encode(self, posts: Sequence[PostContent]) -> tuple[EncodedPost, ...]:
        """Embed posts in both spaces; the texts are taken as they are."""
        texts = [f"{post.title}. {post.description}".strip(". ") for post in posts]
        vectors = self._memory.text_encoder.encode([*texts, *(post_to_mood_sentence("", text) for text in texts)])
        embeddings = self._towers.embed_posts(self._inputs(posts, texts, vectors[: len(posts)]))
        tower_space, text_space = self._spaces
        places = [
            self._memory.reader.place_post("", text, vector)
            for text, vector in zip(texts, vectors[len(posts) :], strict=True)
        ]
        return tuple(
            EncodedPost(post.post_id, Embedding(tower_space, tower), Embedding(text_space, text))
            for post, tower, text in zip(posts, embeddings, places, strict=True)
        )

    def embed_live(self, post_id: int, revision: int, post: Post) -> PostEmbedding:
        """The embeddings of a live post. Those of the same texts and category are remembered, whatever else changes.

        The mood of a post without any words is zeros, as the pipeline has it.
        """
        key = _digest([str(self._row_of(post_id)), str(post.category_id), post.title, post.description, *post.emotions])
        with self._lock:
            vectors = self._remembered.get(key)
        if vectors is None:
            vectors = self._vectors(post_id, post)
            with self._lock:
                self._remembered[key] = vectors
        return PostEmbedding(
            post_id=post_id,
            revision=revision,
            tower=vectors.tower,
            text=vectors.text,
            representation=vectors.representation,
        )

    def _vectors(self, post_id: int, post: Post) -> _Vectors:
        texts = texts_of(title=post.title, description=post.description, emotions=post.emotions)
        sentence = post_to_mood_sentence(texts.mood, texts.summary)
        summary_vector = self._memory.encode_text(texts.summary)
        text = np.zeros_like(summary_vector)
        if sentence:
            text = self._memory.reader.place_post(texts.mood, texts.summary, self._memory.encode_text(sentence))
        content = PostContent(post_id, post.title, post.description, post.category_id)
        inputs = self._inputs([content], [texts.summary], summary_vector[None])
        return _Vectors(
            tower=_little_endian(self._towers.embed_posts(inputs)[0], "<f4"),
            text=_little_endian(text, "<f2"),
            representation=_little_endian(self._towers.represent_posts(inputs)[0], "<f4"),
        )

    def _inputs(self, posts: Sequence[PostContent], texts: Sequence[str], text_embeddings: Matrix) -> PostInputs:
        known = self._towers.known
        post_rows = np.array([self._row_of(post.post_id) for post in posts], dtype=np.int64)
        category_rows = _category_rows([post.category_id for post in posts], known.category_ids)
        numeric = np.stack(
            [
                known.numeric[post_row]
                if post_row >= 0
                else new_post_features(known.numeric, known.category_rows, int(category_row))
                for post_row, category_row in zip(post_rows, category_rows, strict=True)
            ]
        )
        is_new = [post_row < 0 or bool(known.is_new[post_row]) for post_row in post_rows]
        return PostInputs(
            text=text_embeddings,
            words=self._towers.vocabulary.rows_of(texts),
            category_rows=category_rows,
            post_rows=post_rows,
            numeric=numeric,
            is_new=np.array(is_new, dtype=np.bool_),
        )

    def _row_of(self, post_id: int) -> int:
        """The row that a post had in training, -1 if it was not known."""
        row = int(np.searchsorted(self._post_ids, post_id))
        return row if row < len(self._post_ids) and int(self._post_ids[row]) == post_id else -1


def _category_rows(category_ids: Sequence[int], known: NDArray[np.int64]) -> NDArray[np.int64]:
    rows = {int(category_id): row for row, category_id in enumerate(known, start=1)}
    return np.array([rows.get(category_id, 0) for category_id in category_ids], dtype=np.int64)


def _digest(texts: Iterable[str]) -> bytes:
    digest = hashlib.sha256()
    for text in texts:
        encoded = text.encode("utf-8", errors="surrogatepass")
        digest.update(len(encoded).to_bytes(8, "little") + encoded)
    return digest.digest()


def _little_endian(vector: NDArray[np.float32], kind: str) -> bytes:
    if not np.isfinite(vector).all():
        raise ValueError("an embedding is not finite")
    return np.ascontiguousarray(vector, dtype=np.dtype(kind)).tobytes()
