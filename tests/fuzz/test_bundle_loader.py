"""Whatever the files of a bundle hold, its loader raises a BundleError or returns a bundle that keeps its promises.

The hashes are recomputed after each mutation, so that the checks behind them are tested. Each test gets a hundredth of
MOODFEED_FUZZ_INPUTS.
"""

import hashlib
import json
import math
import os
import re
import shutil
import struct
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load, save

from bundle.canary_embeddings import CanaryEmbeddings
from bundle.directory import Bundle, open_bundle
from bundle.file_names import (
    CANARIES,
    CATEGORIES,
    HISTORY_POSTS,
    INDEX_ARRAYS,
    INDEX_POSTS,
    POST_TOWER,
    USER_ARRAYS,
    USER_TOWER,
    USERNAMES,
    WORDS,
)
from bundle.index_posts import IndexPosts
from bundle.known_users import HistoryPosts, KnownUsers
from bundle.manifest import BundleError, Json
from bundle.verbs import VERBS
from mood_encoder.openvino_encoder import OpenVinoEncoder
from mood_encoder.torch_encoder import TorchEncoder
from pipeline.publish import check_bundle
from tests.fuzz import inputs
from tests.tiny_bundle import write_tiny_bundle
from two_tower.torch_towers import TorchTowers
from two_tower.tower_files import read_words

ARRAY_FILES = (INDEX_ARRAYS, HISTORY_POSTS, USER_ARRAYS, CANARIES)
LINE_FILES = (CATEGORIES, USERNAMES, WORDS)
TOWER_FILES = (USER_TOWER, POST_TOWER)
GRAPH, GRAPH_WEIGHTS = "mood_encoder/model_int8.xml", "mood_encoder/model_int8.bin"
fuzzed = inputs.fuzzed(0.01, batch=1, at_least=40)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("sound"))


@contextmanager
def copy_of(directory: Path) -> Iterator[Path]:
    """A copy that may be changed: its files are hard links, which `rewrite` replaces."""
    with tempfile.TemporaryDirectory() as root:
        copy = Path(root) / "copy"
        shutil.copytree(directory, copy, copy_function=os.link)
        yield copy


def rewrite(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


def seal(directory: Path, *, change: Callable[[dict[str, Json]], object] | None = None) -> Path:
    """Recompute the hashes, let ``change`` alter the manifest, and rename the directory to the resulting id."""
    document = json.loads((directory / "manifest.json").read_bytes())
    del document["bundle_id"]
    for name in document["files"]:
        content = (directory / name).read_bytes()
        document["files"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    if change:
        change(document)
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    bundle_id = hashlib.sha256(canonical.encode(errors="surrogatepass")).hexdigest()
    rewrite(directory / "manifest.json", json.dumps({**document, "bundle_id": bundle_id}).encode())
    return directory.rename(directory.parent / bundle_id)


def refused_or_sound(directory: Path, *, with_towers: bool = False) -> bool:
    """Whether the loader accepts the bundle; AssertionError if an accepted one breaks a promise."""
    try:
        bundle = open_bundle(directory)
        if with_towers:
            check_bundle(bundle)
        assert_promises_are_kept(bundle)
    except BundleError:
        return False
    if with_towers:
        assert_towers_embed(bundle)
    return True


def assert_promises_are_kept(bundle: Bundle) -> None:
    """Check the promises of the readers' docstrings in plain Python; BundleError comes from the readers."""
    index, users, posts = IndexPosts.read(bundle), KnownUsers.read(bundle), HistoryPosts.read(bundle)
    canaries = CanaryEmbeddings.read(bundle)
    read_words(bundle)
    manifest = bundle.manifest
    rows = list(zip(index.category_ids.tolist(), index.post_ids.tolist(), strict=True))
    assert rows == sorted(set(rows))
    assert len(set(index.post_ids.tolist())) == len(rows)
    assert [(post.category_id, post.post_id) for post in index.posts] == rows  # decodes each
    assert [item.category_id for item in index.categories] == sorted({category for category, _ in rows if category > 0})
    assert all(category >= 0 for category, _ in rows)
    assert all(0 <= value <= 1 for value in index.popularity.tolist())
    for matrix, dimension, may_be_zero in (
        (index.tower_embeddings, manifest.tower_dimension, False),
        (index.text_embeddings, manifest.text_dimension, True),
        (canaries.user_embeddings, manifest.tower_dimension, True),
        (canaries.mood_embeddings, manifest.text_dimension, True),
    ):
        assert matrix.dtype == (np.float16 if matrix is index.text_embeddings else np.float32)
        assert matrix.shape[1] == dimension
        for row in matrix.tolist():
            norm = math.sqrt(sum(value * value for value in row))
            assert abs(norm - 1) < 0.01 or (may_be_zero and norm == 0)
    assert len(canaries.user_embeddings) == len(canaries.mood_embeddings) == len(manifest.canaries)
    known = posts.post_ids.tolist()
    assert known == sorted(set(known))
    assert len(posts.representations) == len(known)
    assert np.isfinite(posts.representations).all()
    assert len(set(users.usernames)) == len(users.usernames) == len(users.user_ids) == len(users.offsets) - 1
    for start, end in zip(users.offsets[:-1].tolist(), users.offsets[1:].tolist(), strict=True):
        assert 0 <= start <= end <= len(users.post_ids)
        assert users.days[start:end].tolist() == sorted(users.days[start:end].tolist())
    assert users.offsets[0] == 0
    assert set(users.post_ids.tolist()) <= set(known)
    assert all(0 <= verb < len(VERBS) for verb in users.verbs.tolist())
    assert all(0 <= strength <= 1 for strength in users.strengths.tolist())
    assert all(day <= 0 and math.isfinite(day) for day in users.days.tolist())
    assert len(users.days) == len(users.strengths) == len(users.verbs) == len(users.post_ids) == users.offsets[-1]
    assert math.isfinite(manifest.user_weight)
    assert all(len(item.post_ids) == len(item.scores) for item in manifest.canaries)


def assert_towers_embed(bundle: Bundle) -> None:
    towers, encoder = TorchTowers.read(bundle), TorchEncoder.read(bundle)
    assert all(bool(weight.isfinite().all()) for weight in towers.user_tower.parameters())
    assert all(bool(weight.isfinite().all()) for weight in towers.post_tower.parameters())
    assert encoder.encode(["calm", ""]).shape == (2, bundle.manifest.text_dimension)
    served = OpenVinoEncoder.read(bundle).encode(["calm", ""])
    assert served.shape == (2, bundle.manifest.text_dimension)
    assert served.dtype == np.float32
    assert towers.user_tower.out.out_features + 1 == bundle.manifest.tower_dimension
    assert torch.from_numpy(towers.known.numeric).isfinite().all()


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.sampled_from([0, 1, 2, -1, 8, 2**31, 2**63])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["../manifest.json", "/etc/hostname", "words.jsonl", "", ".", "a\0b", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def change_somewhere(data: st.DataObject, value: Json) -> Json:
    """The value with one part of it, at any depth, replaced, removed or added to."""
    if not isinstance(value, dict | list) or not value or data.draw(st.integers(0, 3)) == 0:
        return data.draw(json_values)
    keys = sorted(value) if isinstance(value, dict) else range(len(value))
    key = data.draw(st.sampled_from(keys))
    changed = value.copy()
    match data.draw(st.sampled_from(["inside", "inside", "inside", "remove", "add"])):
        case "inside":
            changed[key] = change_somewhere(data, value[key])
        case "remove":
            del changed[key]
        case _ if isinstance(changed, dict):
            changed[data.draw(st.text(max_size=8))] = data.draw(json_values)
        case _:
            changed.append(data.draw(json_values))
    return changed


def test_an_unchanged_bundle_is_taken(sound: Path) -> None:
    with copy_of(sound) as copy:
        assert refused_or_sound(seal(copy), with_towers=True)


@fuzzed
@given(data=st.data())
def test_a_manifest_of_any_shape_under_a_right_id(sound: Path, data: st.DataObject) -> None:
    def change(document: dict[str, Json]) -> None:
        changed = {key: change_somewhere(data, document[key]) if key == chosen else document[key] for key in document}
        document.clear()
        document.update(changed)

    chosen = data.draw(st.sampled_from(sorted(json.loads((sound / "manifest.json").read_bytes()))))
    with copy_of(sound) as copy:
        refused_or_sound(seal(copy, change=change), with_towers=True)


@fuzzed
@given(content=st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode()))
def test_a_manifest_of_any_bytes(sound: Path, content: bytes) -> None:
    with copy_of(sound) as copy:
        rewrite(copy / "manifest.json", content)
        assert not refused_or_sound(copy)


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"NaN",
        b'{"bundle_id": "x", "user_weight": NaN}',
        b'{"bundle_id": "x", "user_weight": 1e999}',
        b'{"bundle_id": "\\ud800", "\\ud800": 1}',
        b'{"bundle_id": ' + b"9" * 5_000 + b"}",
    ],
)
def test_a_manifest_that_breaks_parsers(sound: Path, content: bytes) -> None:
    with copy_of(sound) as copy:
        rewrite(copy / "manifest.json", content)
        assert not refused_or_sound(copy)


@pytest.mark.parametrize(
    "name",
    [
        "../outside",
        "/etc/hostname",
        "a/../../outside",
        "./words.jsonl",
        "a//b",
        "..",
        "",
        "x\0y",
        "..\\outside",
        "x" * 300,
        "manifest.json",
        "sidecar.json",
    ],
)
def test_a_file_name_that_leaves_the_bundle_is_refused_though_the_file_is_as_the_manifest_says(
    sound: Path, name: str
) -> None:
    with copy_of(sound) as copy:
        (copy.parent / "outside").write_bytes(b"outside")
        try:
            content = (copy / name).read_bytes()
        except (OSError, ValueError):
            content = b""
        entry: Json = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        directory = seal(copy, change=lambda document: document["files"].update({name: entry}))
        with pytest.raises(BundleError):
            open_bundle(directory)


def change_arrays(data: st.DataObject, arrays: dict[str, np.ndarray]) -> None:
    """Rename, drop, add, cast, reshape or reorder one array, or replace any of its values."""
    name = data.draw(st.sampled_from(sorted(arrays)))
    array = arrays[name]
    specials = [0, 1, -1, 2, 0.5, 1e30, -1e30, 2**31 - 1, 2**63 - 1, -(2**63), math.nan, math.inf, -math.inf, 1e-45]
    match data.draw(st.sampled_from(["value"] * 6 + ["cast", "reshape", "permute", "row", "scale", "name", "random"])):
        case "value" if array.size:
            array = array.copy()
            value = data.draw(st.sampled_from(specials) | st.sampled_from(array.ravel().tolist()))
            with np.errstate(all="ignore"):
                array.flat[data.draw(st.integers(0, array.size - 1))] = (
                    value if array.dtype.kind == "f" else _whole(value, array.dtype)
                )
            arrays[name] = array
        case "cast":
            dtype = data.draw(st.sampled_from(["i1", "i4", "i8", "u8", "f2", "f4", "f8", "?"]))
            with np.errstate(all="ignore"):
                arrays[name] = array.astype(dtype)
        case "reshape":
            shape = data.draw(st.sampled_from([(-1,), (-1, 1), (1, -1), (), (0,), (0, 8), (5, 0)]))
            arrays[name] = np.resize(array, [abs(size) for size in shape]) if -1 not in shape else array.reshape(shape)
        case "permute" if array.ndim and len(array):
            arrays[name] = array[data.draw(st.permutations(range(len(array))))]
        case "row" if array.ndim and len(array):
            rows = data.draw(st.lists(st.integers(0, len(array) - 1), max_size=len(array) + 2))
            arrays[name] = array[rows]
        case "scale" if array.dtype.kind == "f":
            with np.errstate(all="ignore"):
                arrays[name] = (array * data.draw(st.sampled_from([0, 0.9, 1.001, 1.1, -1, 1e30, 1e-30]))).astype("f4")
        case "name":
            arrays[data.draw(st.sampled_from(["", "x", "post_ids", "__metadata"]))] = arrays.pop(name)
        case _:
            arrays[name] = np.array(data.draw(st.lists(st.integers(-3, 70), max_size=8)), dtype=array.dtype)


def _whole(value: float, dtype: np.dtype) -> int:
    """The nearest number that the dtype holds."""
    limits = np.iinfo(dtype if dtype.kind in "iu" else np.int8)
    return 0 if math.isnan(value) else int(max(min(value, limits.max), limits.min))


@pytest.mark.parametrize("name", ARRAY_FILES)
@fuzzed
@given(data=st.data())
def test_arrays_of_any_kind(sound: Path, name: str, data: st.DataObject) -> None:
    arrays = load((sound / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        if arrays:
            change_arrays(data, arrays)
    with copy_of(sound) as copy:
        rewrite(copy / name, save({key: np.ascontiguousarray(array) for key, array in arrays.items()}))
        refused_or_sound(seal(copy))


@pytest.mark.parametrize("name", TOWER_FILES)
@fuzzed
@given(data=st.data())
def test_towers_of_any_kind(sound: Path, name: str, data: st.DataObject) -> None:
    arrays = {key: array for key, array in load((sound / name).read_bytes()).items() if array.dtype.kind in "fiu"}
    others = {key: array for key, array in load((sound / name).read_bytes()).items() if key not in arrays}
    change_arrays(data, arrays)
    with copy_of(sound) as copy:
        rewrite(copy / name, save({key: np.ascontiguousarray(array) for key, array in (arrays | others).items()}))
        refused_or_sound(seal(copy), with_towers=True)


@pytest.mark.parametrize("name", [*ARRAY_FILES, *TOWER_FILES, "mood_encoder/model.safetensors"])
@fuzzed
@given(data=st.data())
def test_safetensors_with_a_broken_header(sound: Path, name: str, data: st.DataObject) -> None:
    content = (sound / name).read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    header, body = json.loads(content[8 : 8 + length]), content[8 + length :]
    kind = data.draw(st.sampled_from(["length", "header", "bytes", "cut", "dtype"]))
    if kind == "length":
        content = (
            struct.pack("<Q", data.draw(st.sampled_from([0, 1, 2**31, 2**63, 2**64 - 1, length + 1]))) + content[8:]
        )
    elif kind == "cut":
        content = content[: data.draw(st.integers(0, len(content)))]
    elif kind == "bytes":
        place = data.draw(st.integers(0, min(len(content), 8 + length) - 1))
        content = content[:place] + data.draw(st.binary(min_size=1, max_size=4)) + content[place + 1 :]
    else:
        if kind == "dtype":
            tensor = data.draw(st.sampled_from(sorted(header.keys() - {"__metadata__"})))
            header[tensor]["dtype"] = data.draw(st.sampled_from(["BF16", "F8_E4M3", "F64", "U16", "BOOL", "F4", "I64"]))
        else:
            header = change_somewhere(data, header)
        text = json.dumps(header).encode()
        content = struct.pack("<Q", len(text)) + text + body
    with copy_of(sound) as copy:
        rewrite(copy / name, content)
        refused_or_sound(seal(copy), with_towers=name not in ARRAY_FILES)


def change_graph(data: st.DataObject, content: bytes) -> bytes:
    """The XML of a graph with one line lost, one attribute or size replaced, one byte altered, or its end cut off."""
    values = [
        b"",
        b"x",
        b"-1",
        b"0",
        b"1",
        b"3",
        b"9",
        b"2147483648",
        b"9223372036854775807",
        b"f32",
        b"string",
        b"?,?",
    ]
    types = [b"Broadcast", b"TopK", b"Const", b"Assign", b"If", b"Gather", b"Parameter", b"Result", b"Reshape"]
    patterns = {
        "line": (rb"(\t+<[^\n]*\n)", [b""]),
        "attribute": (rb'="([^"]*)"', values),
        "size": (rb"<dim>([^<]*)</dim>", values),
        "type": (rb' type="(\w+)"', types),
        "edge": (rb'(?:from|to)-(?:layer|port)="(\d+)"', [str(place).encode() for place in range(0, 140, 7)]),
    }
    kind = data.draw(st.sampled_from([*patterns, "byte", "cut"]))
    if kind == "cut":
        return content[: data.draw(st.integers(0, len(content)))]
    if kind == "byte":
        place = data.draw(st.integers(0, len(content) - 1))
        return content[:place] + data.draw(st.binary(min_size=1, max_size=1)) + content[place + 1 :]
    pattern, replacements = patterns[kind]
    matches = list(re.finditer(pattern, content))
    if not matches:  # a change before this one cut them off
        return content
    match = data.draw(st.sampled_from(matches))
    return content[: match.start(1)] + data.draw(st.sampled_from(replacements)) + content[match.end(1) :]


@fuzzed
@given(data=st.data())
def test_a_graph_of_any_kind(sound: Path, data: st.DataObject) -> None:
    content = (sound / GRAPH).read_bytes()
    for _ in range(data.draw(st.integers(1, 3))):
        content = change_graph(data, content) if content else content
    with copy_of(sound) as copy:
        rewrite(copy / GRAPH, content)
        refused_or_sound(seal(copy), with_towers=True)


@fuzzed
@given(data=st.data())
def test_weights_of_a_graph_of_any_kind(sound: Path, data: st.DataObject) -> None:
    content = bytearray((sound / GRAPH_WEIGHTS).read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    del content[len(content) - data.draw(st.sampled_from([0, 0, 0, 1, 100, len(content)])) :]
    with copy_of(sound) as copy:
        rewrite(copy / GRAPH_WEIGHTS, bytes(content))
        refused_or_sound(seal(copy), with_towers=True)


@pytest.mark.parametrize("name", LINE_FILES)
@fuzzed
@given(data=st.data())
def test_lines_of_any_kind(sound: Path, name: str, data: st.DataObject) -> None:
    lines = (sound / name).read_bytes().splitlines()
    place = data.draw(st.integers(0, len(lines) - 1))
    match data.draw(st.sampled_from(["json", "json", "bytes", "drop", "twice", "swap", "cut"])):
        case "json":
            lines[place] = json.dumps(change_somewhere(data, json.loads(lines[place]))).encode()
        case "bytes":
            lines[place] = data.draw(st.binary(max_size=20))
        case "drop":
            del lines[place]
        case "twice":
            lines.insert(place, lines[place])
        case "swap":
            lines.reverse()
        case _:
            lines[place] = lines[place][: data.draw(st.integers(0, len(lines[place])))]
    with copy_of(sound) as copy:
        rewrite(copy / name, b"\n".join(lines))
        refused_or_sound(seal(copy), with_towers=name == WORDS)


@fuzzed
@given(data=st.data())
def test_texts_of_posts_of_any_kind(sound: Path, data: st.DataObject) -> None:
    text = bytearray((sound / INDEX_POSTS).read_bytes())
    arrays = load((sound / INDEX_ARRAYS).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(text)))
        text[place : place + data.draw(st.integers(0, 4))] = data.draw(
            st.binary(max_size=4) | st.text(max_size=2).map(lambda some: some.encode())
        )
    if data.draw(st.booleans()):
        arrays["text_offsets"] = np.minimum(arrays["text_offsets"], len(text))
        arrays["text_offsets"][-1] = len(text)
    with copy_of(sound) as copy:
        rewrite(copy / INDEX_POSTS, bytes(text))
        rewrite(copy / INDEX_ARRAYS, save(arrays))
        refused_or_sound(seal(copy))


@pytest.mark.parametrize("name", ["mood_encoder/config.json", "mood_encoder/tokenizer.json"])
@fuzzed
@given(data=st.data())
def test_a_mood_encoder_of_any_kind(sound: Path, name: str, data: st.DataObject) -> None:
    changed = change_somewhere(data, json.loads((sound / name).read_bytes()))
    with copy_of(sound) as copy:
        rewrite(copy / name, json.dumps(changed).encode())
        refused_or_sound(seal(copy), with_towers=True)
