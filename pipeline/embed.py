"""Embed post texts with BERT, cached by content so that a rerun embeds only new texts."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from bundle.array_files import let_go_of_pages, map_arrays
from bundle.manifest import BundleError
from mood_encoder.encoder_files import encoder_files
from mood_encoder.mood_space import MoodSpace, fit_mood_space, training_texts, weights_of_text
from mood_encoder.mood_space_file import MOOD_SPACE_DTYPES
from mood_encoder.mood_text import post_to_mood_sentence
from mood_encoder.runtime import Runtime, TextEncoder
from mood_encoder.sentence_transformers_files import TextSettings, max_tokens_of, text_settings
from pipeline.encoding_processes import encoding_processes
from pipeline.tables import read_posts
from pipeline.whole_files import whole_file

_TEXTS_AT_ONCE = 512  # enough for texts of equal length to fill batches
_NORM_TOLERANCE = 1e-3
_FINGERPRINT = "encoder_fingerprint"  # in the metadata of the file
_CHECKED_AT_ONCE = 65_536  # rows
_DTYPES: Mapping[str, type[np.generic]] = {
    "post_ids": np.int64,
    "embeddings": np.float32,
    "mood_embeddings": np.float32,
}
_SPACE_PREFIX = "mood_space."
Encode = Callable[[Iterator[Sequence[str]]], Iterator[NDArray[np.float32]]]
"""Batches of texts to their embeddings [texts, dimension], in the same order."""


class TextEmbeddingsError(Exception):
    """A file of text embeddings cannot be used: names the file and the fault."""


@dataclass(frozen=True, slots=True)
class EmbedReport:
    """The number of texts embedded, and of texts found in the cache."""

    embedded: int
    reused: int
    dimension: int


@dataclass(frozen=True, slots=True)
class TextEmbeddings:
    """Two vectors a post: of its summary, which training reads, and of its mood, which serving compares moods with.

    ``post_ids`` int64 [posts] ascending, ``embeddings`` and ``mood_embeddings`` float32 [posts, dimension]. Rows are
    unit vectors; the mood of a post without any words is a row of zeros. The moods lie in ``mood_space``.
    ``encoder_fingerprint`` is that of the encoder that made them, empty in a file that does not say.
    """

    post_ids: NDArray[np.int64]
    embeddings: NDArray[np.float32]
    mood_embeddings: NDArray[np.float32]
    mood_space: MoodSpace
    encoder_fingerprint: str = ""


def embed_posts(
    clean_directory: Path,
    cache: Path,
    output: Path,
    *,
    encoder_directory: Path,
    runtime: Runtime = Runtime.OPENVINO,
    half_precision: bool = False,
    processes: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> EmbedReport:
    """Embed summary and mood of every clean post; ``progress`` is called with (texts done, texts to do).

    Both runtimes use the full weights and agree to 1e-5. With ``half_precision``, which only OpenVINO supports,
    products are computed in bfloat16 if the processor supports it. Several ``processes`` of one thread each share out
    the batches of one process, and give the same bits; EncodingProcessError if one of them is lost. What is embedded is
    kept, however this ends.
    """
    posts = read_posts(clean_directory).sort_values("post_id", ignore_index=True)
    summaries: list[str] = posts["summary_text"].tolist()
    moods = [post_to_mood_sentence(mood, text) for mood, text in zip(posts["mood_text"], summaries, strict=True)]
    read = partial(_read_encoder, encoder_directory, runtime, half_precision=half_precision)
    encoder = read()
    fingerprint = encoder_fingerprint(encoder_directory)
    key = f"{fingerprint} in half precision" if half_precision else fingerprint
    with _Cache(cache, encoder_key=key, dimension=encoder.dimension) as known:
        texts = {known.key_of(text): text for text in [*summaries, *filter(None, moods)]}
        with ExitStack() as stack:
            encode: Encode = partial(_encoded, encoder)
            if processes > 1 and known.lacks(texts):
                encode = stack.enter_context(encoding_processes(processes, partial(read, threads=1))).encode
            embedded = known.embed(texts, encode, progress=progress)
        embeddings = known.embeddings([known.key_of(text) for text in summaries])
        space = _mood_space(known, encoder, progress=progress)
        mood_embeddings = np.zeros_like(embeddings)
        for row, (mood, summary) in enumerate(zip(posts["mood_text"], summaries, strict=True)):
            if moods[row]:
                (sentence,) = known.embeddings([known.key_of(moods[row])])
                weights = weights_of_text(mood or summary, is_word=encoder.knows)
                mood_embeddings[row] = space.place_post(weights, sentence)
    post_ids = posts["post_id"].to_numpy(dtype=np.int64)
    write_text_embeddings(output, TextEmbeddings(post_ids, embeddings, mood_embeddings, space, fingerprint))
    return EmbedReport(embedded=embedded, reused=len(texts) - embedded, dimension=encoder.dimension)


def read_text_embeddings(path: Path) -> TextEmbeddings:
    """Map the file that ``embed_posts`` wrote; TextEmbeddingsError if it is missing or malformed."""
    if not path.exists():
        raise TextEmbeddingsError(f"{path} is missing: run `moodfeed embed`")
    try:
        with safe_open(path, framework="np") as file:
            fingerprint = (file.metadata() or {}).get(_FINGERPRINT, "")
        arrays = map_arrays(
            path, {**_DTYPES} | {_SPACE_PREFIX + name: dtype for name, dtype in MOOD_SPACE_DTYPES.items()}
        )
        space = MoodSpace(**{name: np.array(arrays.pop(_SPACE_PREFIX + name)) for name in MOOD_SPACE_DTYPES})
        texts = TextEmbeddings(**arrays, mood_space=space, encoder_fingerprint=fingerprint)
    except (BundleError, SafetensorError, OSError) as error:
        raise TextEmbeddingsError(f"{path} cannot be read ({error}): run `moodfeed embed` again") from error
    shapes = texts.embeddings.shape, texts.mood_embeddings.shape
    if texts.embeddings.ndim != 2 or shapes[0] != shapes[1] or len(texts.post_ids) != len(texts.embeddings):
        raise TextEmbeddingsError(f"{path}: {len(texts.post_ids)} posts for embeddings of shapes {shapes}")
    for start in range(0, len(texts.post_ids), _CHECKED_AT_ONCE):
        moods = texts.mood_embeddings[start : start + _CHECKED_AT_ONCE]
        for rows in (texts.embeddings[start : start + _CHECKED_AT_ONCE], moods[moods.any(axis=1)]):
            if not (np.abs(np.linalg.norm(rows, axis=1) - 1) < _NORM_TOLERANCE).all():
                raise TextEmbeddingsError(
                    f"{path}: some embeddings are not finite unit vectors: run `moodfeed embed` again"
                )
        let_go_of_pages(texts.embeddings)
    return texts


def _mood_space(known: "_Cache", encoder: TextEncoder, *, progress: Callable[[int, int], None] | None) -> MoodSpace:
    """The mood space of the encoder, fitted on the words of the tables of moods; those are cached as posts' are."""
    texts, targets = training_texts()
    known.embed({known.key_of(text): text for text in texts}, partial(_encoded, encoder), progress=progress)
    return fit_mood_space(known.embeddings([known.key_of(text) for text in texts]), targets)


def _read_encoder(
    directory: Path, runtime: Runtime, *, half_precision: bool, threads: int | None = None
) -> TextEncoder:
    """The encoder of a directory; ``threads`` None means one for each processor."""
    if runtime is Runtime.OPENVINO:
        from pipeline.convert_encoder import full_encoder  # noqa: PLC0415 - loads torch and transformers

        return full_encoder(directory, threads=threads, half_precision=half_precision)
    if half_precision:
        raise ValueError("half precision needs the OpenVINO runtime")
    from mood_encoder.torch_encoder import TorchEncoder  # noqa: PLC0415 - loads torch and transformers

    if threads is not None:
        import torch  # noqa: PLC0415

        torch.set_num_threads(threads)
    return TorchEncoder(directory)


def _encoded(encoder: TextEncoder, batches: Iterator[Sequence[str]]) -> Iterator[NDArray[np.float32]]:
    for batch in batches:
        yield encoder.encode(batch)


class _Cache:
    """Embeddings by hash of encoder and text, in one SQLite file; each batch is one transaction."""

    def __init__(self, path: Path, *, encoder_key: str, dimension: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path)
        self._connection.execute("CREATE TABLE IF NOT EXISTS embeddings (key TEXT PRIMARY KEY, vector BLOB NOT NULL)")
        self._encoder_key = encoder_key
        self._dimension = dimension

    def __enter__(self) -> "_Cache":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def __contains__(self, key: str) -> bool:
        return self._connection.execute("SELECT 1 FROM embeddings WHERE key = ?", (key,)).fetchone() is not None

    def key_of(self, text: str) -> str:
        """The key of a text's embedding."""
        return hashlib.sha256(f"{self._encoder_key}\n{text}".encode()).hexdigest()

    def keep(self, keys: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Store a batch of embeddings."""
        rows = [(key, vector.tobytes()) for key, vector in zip(keys, vectors, strict=True)]
        with self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO embeddings VALUES (?, ?)", rows)

    def lacks(self, keys: Iterable[str]) -> bool:
        """Whether one of the embeddings is not stored."""
        return any(key not in self for key in keys)

    def embed(
        self,
        texts: Mapping[str, str],
        encode: Encode,
        *,
        progress: Callable[[int, int], None] | None = None,
    ) -> int:
        """Embed and store the texts, by their keys, that are not stored; returns how many they were."""
        new = [key for key in texts if key not in self]
        # Texts of similar length share a batch, and the same new texts always give the same batches.
        new.sort(key=lambda key: (-len(texts[key]), key))
        batches = [new[start : start + _TEXTS_AT_ONCE] for start in range(0, len(new), _TEXTS_AT_ONCE)]
        done = 0
        encoded = encode([texts[key] for key in batch] for batch in batches)
        for keys, vectors in zip(batches, encoded, strict=True):
            self.keep(keys, vectors)
            done += len(keys)
            if progress:
                progress(done, len(new))
        return len(new)

    def embeddings(self, keys: Sequence[str]) -> NDArray[np.float32]:
        """Embeddings [keys, dimension] in the order of the keys; each must be stored."""
        found = np.zeros((len(keys), self._dimension), dtype=np.float32)
        for row, key in enumerate(keys):
            blob = self._connection.execute("SELECT vector FROM embeddings WHERE key = ?", (key,)).fetchone()[0]
            found[row] = np.frombuffer(blob, dtype=np.float32)
        return found


def encoder_fingerprint(directory: Path) -> str:
    """SHA-256 of all that determines an encoder's embeddings: files, longest text, settings; TextEncoderError."""
    digest = hashlib.sha256(str(max_tokens_of(directory)).encode())
    settings = text_settings(directory)
    if settings != TextSettings():
        digest.update(repr(settings).encode())
    for file in encoder_files(directory):
        with file.open("rb") as content:
            digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()


def write_text_embeddings(path: Path, texts: TextEmbeddings) -> None:
    """Write the file that read_text_embeddings maps, whole or not at all."""
    with whole_file(path) as temporary:
        arrays = {name: getattr(texts, name) for name in _DTYPES}
        arrays |= {_SPACE_PREFIX + name: getattr(texts.mood_space, name) for name in MOOD_SPACE_DTYPES}
        save_file(arrays, temporary, metadata={_FINGERPRINT: texts.encoder_fingerprint})
