"""What the check of a bundle reads with torch; tests/bundle/test_array_files.py has what is refused before."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bundle.directory import open_bundle, write_bundle
from bundle.manifest import BundleError
from pipeline.publish import check_bundle
from tests.tiny_bundle import MANIFEST, tiny_files, write_tiny_bundle

GOLDEN = Path(__file__).parents[1] / "golden" / "bundles"


def bundle_with_config(root: Path, change: Callable[[str], str]) -> Path:
    def write_files(directory: Path) -> None:
        tiny_files()(directory)
        path = directory / "mood_encoder" / "config.json"
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")

    return write_bundle(root, MANIFEST, write_files=write_files, sidecar={})


def test_the_golden_bundle_is_still_accepted() -> None:
    (directory,) = GOLDEN.iterdir()
    check_bundle(open_bundle(directory))


def test_a_whole_bundle_is_accepted(tmp_path: Path) -> None:
    check_bundle(open_bundle(write_tiny_bundle(tmp_path)))


def test_a_broken_configuration_of_the_mood_encoder_is_named(tmp_path: Path) -> None:
    bundle = open_bundle(bundle_with_config(tmp_path, lambda _: '{"model_type": "bert"'))
    with pytest.raises(BundleError, match="cannot be read as a BERT configuration"):
        check_bundle(bundle)


@pytest.mark.parametrize("size", ["vocab_size", "hidden_size", "num_hidden_layers"])
def test_a_bert_larger_than_its_weights_is_refused_before_memory_is_taken(tmp_path: Path, size: str) -> None:
    bundle = open_bundle(bundle_with_config(tmp_path, lambda text: json.dumps(json.loads(text) | {size: 2**40})))
    with pytest.raises(BundleError, match=r"config\.json"):
        check_bundle(bundle)
