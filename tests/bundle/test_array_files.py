"""Each promise of a bundle's files, broken alone under a correct hash, is refused with a message of its own.

Those that need torch are in tests/pipeline/test_check_bundle.py.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, save

from bundle.canary_embeddings import CanaryEmbeddings
from bundle.directory import open_bundle, write_bundle
from bundle.index_posts import IndexPosts
from bundle.known_users import HistoryPosts, KnownUsers
from bundle.manifest import BundleError
from bundle.served_posts import PostTable
from pipeline.publish import check_bundle
from tests.tiny_bundle import MANIFEST, tiny_files

Arrays = dict[str, np.ndarray]


def broken_bundle(root: Path, break_files: Callable[[Path], None]) -> Path:
    def write_files(directory: Path) -> None:
        tiny_files()(directory)
        break_files(directory)

    return write_bundle(root, MANIFEST, write_files=write_files, sidecar={})


def put(name: str, place: object, value: object) -> Callable[[Arrays], None]:
    def change(arrays: Arrays) -> None:
        arrays[name] = arrays[name].copy()
        arrays[name][place] = value

    return change


def reorder(rows: list[int]) -> Callable[[Arrays], None]:
    def change(arrays: Arrays) -> None:
        for name in arrays.keys() - {"text_offsets"}:
            arrays[name] = arrays[name][rows]

    return change


def replace(name: str, array: object, dtype: str) -> Callable[[Arrays], None]:
    def change(arrays: Arrays) -> None:
        arrays[name] = np.array(array, dtype=dtype)

    return change


def stretch(name: str, factor: float) -> Callable[[Arrays], None]:
    def change(arrays: Arrays) -> None:
        arrays[name] = (arrays[name] * np.float32(factor)).astype(arrays[name].dtype)

    return change


@pytest.mark.parametrize(
    ("file", "change", "reason"),
    [
        ("index", replace("post_ids", [1, 2, 3, 4, 5], "i4"), "post_ids is I32, expected I64"),
        ("index", lambda arrays: arrays.pop("popularity"), "holds the arrays"),
        ("index", replace("popularity", [0.5] * 4, "f4"), r"popularity has shape \(4,\), expected \(5,\)"),
        ("index", put("tower_embeddings", (0, 0), np.nan), "tower_embeddings holds a value that is not finite"),
        ("index", put("popularity", 0, np.inf), "popularity holds a value that is not finite"),
        ("index", reorder([0, 2, 1, 3, 4]), "do not ascend by category_id and post_id"),
        ("index", reorder([0, 3, 4, 1, 2]), "do not ascend by category_id and post_id"),
        ("index", put("post_ids", 2, 20), "do not ascend by category_id and post_id"),
        ("index", put("category_ids", 0, -1), "category_ids holds a negative value"),
        ("index", put("post_ids", 3, 20), "post_ids names a post twice"),
        ("index", put("popularity", 1, 1.5), r"popularity is not in 0\.\.1"),
        ("index", put("popularity", 1, -0.1), r"popularity is not in 0\.\.1"),
        ("index", stretch("tower_embeddings", 1.01), "tower_embeddings has a row that is not a unit vector"),
        ("index", put("tower_embeddings", 0, 0), "tower_embeddings has a row that is not a unit vector"),
        ("index", stretch("text_embeddings", 0.99), "text_embeddings has a row that is neither"),
        ("index", put("text_embeddings", (1, 3), np.nan), "text_embeddings holds a value that is not finite"),
        ("index", replace("text_embeddings", np.zeros((5, 8)), "f4"), "text_embeddings is F32, expected F16"),
        ("index", replace("text_offsets", [0] * 30, "i8"), r"text_offsets has shape \(30,\), expected \(31,\)"),
        ("index", put("text_offsets", 0, 1), "the offsets do not divide the text"),
        ("index", put("text_offsets", 30, 1), "the offsets do not divide the text"),
        ("index", put("text_offsets", 3, 0), "the offsets do not divide the text"),
        ("index", put("text_offsets", 3, 2**62), "the offsets do not divide the text"),
        ("post_trends", replace("sums", [0.5] * 4, "f8"), r"sums has shape \(4,\), expected \(5,\)"),
        ("post_trends", replace("sums", [0.5] * 5, "f4"), "sums is F32, expected F64"),
        ("post_trends", put("sums", 0, np.nan), "sums holds a value that is not finite"),
        ("post_trends", put("sums", 0, -0.1), r"sums is not in 0\.\.4194304"),
        ("post_trends", put("sums", 0, 1e9), r"sums is not in 0\.\.4194304"),
        ("post_trends", put("lasting", 1, -1), "lasting is below 0"),
        ("post_steps", put("offsets", 5, 2), "offsets do not cover followers"),
        ("post_steps", put("offsets", 1, 3), "offsets do not ascend"),
        ("post_steps", put("followers", 0, 5), "followers names a row that does not exist"),
        ("post_steps", put("counts", 0, 0), "counts is not above 0"),
        ("post_steps", put("order_shares", 0, 2), "order_shares are not shares"),
        ("post_trends", replace("pair_keys", [1], "i8"), r"pair_moments_ms has shape \(2,\), expected \(1,\)"),
        ("post_trends", put("pair_moments_ms", 0, 2 * 10**12), "pair_moments_ms do not ascend"),
        ("post_trends", put("pair_moments_ms", 1, 2 * 10**12), "a pair met after the newest moment"),
        ("post_trends", put("newest_moment_ms", 0, 0), "there are sums and no newest moment"),
        ("history_posts", put("post_ids", 1, 10), "post_ids do not ascend"),
        ("history_posts", put("representations", (0, 0), np.inf), "representations holds a value that is not finite"),
        ("history_posts", replace("representations", np.zeros((6, 3)), "f4"), "representations has shape"),
        ("history_posts", replace("post_ids", [[1], [2], [3], [4], [5], [6]], "i8"), "post_ids has shape"),
        ("users", replace("user_ids", [1, 2], "i8"), "has 3 names for 2 users"),
        ("users", replace("user_ids", [[1], [2], [3]], "i8"), "user_ids has shape"),
        ("users", replace("verbs", [0, 1, 2], "i1"), r"verbs has shape \(3,\), expected \(4,\)"),
        ("users", put("offsets", 0, 1), "offsets do not divide"),
        ("users", put("offsets", 3, 3), "offsets do not divide"),
        ("users", put("offsets", 1, 4), "offsets do not divide"),
        ("users", put("offsets", 1, -1), "offsets do not divide"),
        ("users", put("verbs", 0, 4), "verbs holds an unknown verb"),
        ("users", put("verbs", 0, -1), "verbs holds an unknown verb"),
        ("users", put("strengths", 0, 1.5), r"strengths is not in 0\.\.1"),
        ("users", put("days", 2, 0.5), "days holds a value above 0"),
        ("users", put("days", 0, -1.5), "a history is not sorted by days"),
        ("users", put("post_ids", 0, 11), "holds a post that is not in history_posts.safetensors"),
        ("canaries", replace("user_embeddings", np.zeros((2, 8)), "f4"), "user_embeddings has shape"),
        ("canaries", stretch("user_embeddings", 2), "user_embeddings has a row that is neither"),
        ("user_tower", put("event.bias", 0, np.nan), "event.bias holds a value that is not finite"),
        ("user_tower", lambda arrays: arrays.pop("event.bias"), "event.bias is missing, unknown or misshapen"),
        ("user_tower", replace("event.bias", [0.0] * 5, "f4"), "event.bias is missing, unknown or misshapen"),
        ("user_tower", replace("stranger", [0.0], "f4"), "stranger is missing, unknown or misshapen"),
        ("user_tower", replace("event.bias", [0.0] * 4, "f8"), "event.bias is float64"),
        ("post_tower", lambda arrays: arrays.pop("known.is_new"), "lacks known.is_new"),
        ("post_tower", replace("known.is_new", [0] * 6, "i8"), "known.is_new is int64"),
        ("post_tower", put("known.category_rows", 0, 3), "known.category_rows holds a row that is not in"),
        ("post_tower", put("known.category_ids", 0, 7), "known.category_ids do not ascend"),
    ],
)
def test_a_broken_promise_of_an_array_is_named(
    tmp_path: Path, file: str, change: Callable[[Arrays], None], reason: str
) -> None:
    def break_files(directory: Path) -> None:
        path = directory / f"{file}.safetensors"
        arrays = load(path.read_bytes())
        change(arrays)
        path.write_bytes(save({name: np.ascontiguousarray(array) for name, array in arrays.items()}))

    bundle = open_bundle(broken_bundle(tmp_path, break_files))
    with pytest.raises(BundleError, match=reason) as caught:
        check_bundle(bundle)
    assert caught.value.path.suffix in {".safetensors", ".jsonl", ".utf8"}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("usernames.jsonl", b'"ana"\n"ana"\n"eva"\n', "holds a username twice"),
        ("usernames.jsonl", b'"ana"\nnull\n"eva"\n', "line 2"),
        ("usernames.jsonl", b'"ana"\n', "has 1 names for 3 users"),
        ("categories.jsonl", b'{"category_id": 2, "name": "calm"}\n', "does not name the categories"),
        (
            "categories.jsonl",
            b'{"category_id": 7, "name": "loud"}\n{"category_id": 2, "name": "calm"}\n',
            "does not name the categories",
        ),
        ("categories.jsonl", b'{"category_id": 2}\n', "line 1"),
        ("index_posts.utf8", b"", "the offsets do not divide the text"),
        ("index_posts.utf8", b"x" * 9 + b"\xff" + b"x" * 181, "the text of post 40 is not UTF-8"),
        ("index_posts.utf8", b"x" * 190 + b"\xc3", "the text of post 50 is not UTF-8"),
        ("index_posts.utf8", b"x" + "é".encode() * 95, "an offset lies within a character"),
        ("words.jsonl", b'"one"\n', "has 1 words, the manifest's tower 3"),
        ("index.safetensors", b"", "cannot be read as safetensors"),
        ("mood_encoder/model_int8.xml", b"{broken", "cannot be read as an OpenVINO graph"),
        ("mood_encoder/model_int8.bin", b"", "cannot be read as an OpenVINO graph"),
        ("mood_encoder/tokenizer.json", b"{}", "cannot be read as a tokenizer"),
    ],
)
def test_a_file_with_other_content_is_named(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    bundle = open_bundle(broken_bundle(tmp_path, lambda directory: (directory / name).write_bytes(content) and None))
    with pytest.raises(BundleError, match=reason):
        check_bundle(bundle)


def test_what_is_whole_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    bundle = open_bundle(broken_bundle(tmp_path, lambda directory: None))
    assert IndexPosts.read(bundle).post_ids.tolist() == [40, 20, 30, 10, 50]
    assert HistoryPosts.read(bundle).representations.shape == (6, 4)
    assert KnownUsers.read(bundle).usernames == ("ana", "béla", "😀")
    assert CanaryEmbeddings.read(bundle).user_embeddings.shape == (1, 8)


def test_an_index_without_posts_is_read(tmp_path: Path) -> None:
    empty = IndexPosts(
        post_ids=np.zeros(0, np.int64),
        category_ids=np.zeros(0, np.int32),
        tower_embeddings=np.zeros((0, 8), np.float32),
        text_embeddings=np.zeros((0, 8), np.float16),
        popularity=np.zeros(0, np.float32),
        created_ms=np.zeros(0, np.int64),
        posts=PostTable.of(()),
        categories=(),
    )
    assert list(IndexPosts.read(open_bundle(broken_bundle(tmp_path, empty.write))).posts) == []
