"""The models of the golden bundle in both runtimes; tests/golden/test_golden.py reads its other files without torch."""

from pathlib import Path

import numpy as np
import pytest

from bundle.directory import Bundle, open_bundle
from mood_encoder.runtime import Runtime
from user_tower_service.encoder import Encoder
from user_tower_service.post_encoder import PostContent

GOLDEN = Path(__file__).parents[1] / "golden" / "bundles"


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    (directory,) = GOLDEN.iterdir()
    return open_bundle(directory)


@pytest.mark.parametrize(("runtime", "tolerance"), [(Runtime.TORCH, 1e-5), (Runtime.OPENVINO, 2e-4)])
def test_the_models_encode_as_they_did_when_the_bundle_was_written(
    bundle: Bundle, runtime: Runtime, tolerance: float
) -> None:
    encoder = Encoder(bundle, mood_cache_size=0, runtime=runtime)
    context = encoder.encode_context("ana", "calm")
    assert context.user is not None
    assert context.mood is not None
    assert context.seen_post_ids == (10, 20, 60)
    np.testing.assert_allclose(
        context.user.values,
        [0.279314, -0.458089, -0.272401, -0.206626, 0.746126, -0.146281, 0.130920, 0.000000],
        atol=1e-6,
    )
    np.testing.assert_allclose(
        context.mood.values,
        [0.174626, 0.138135, 0.620543, -0.073296, -0.127758, 0.104613, 0.703097, -0.195878],
        atol=tolerance,
    )
    (post,) = encoder.encode_posts([PostContent(60, "one two", "calm", 7)])
    np.testing.assert_allclose(
        post.tower.values,
        [0.543102, -0.320847, -0.648435, 0.426180, 0.000000, 0.000000, 0.000000, -0.000000],
        atol=tolerance,
    )
