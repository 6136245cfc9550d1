"""Files written by an earlier run of the product are read as what was put in, so a format cannot change unnoticed.

The expected values are literals. `python -m scripts.write_golden formats` writes the files anew. What the models of the
bundle answer is in tests/user_tower_service/test_golden_models.py, which loads torch.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from bundle.canary_embeddings import CanaryEmbeddings
from bundle.directory import Bundle, open_bundle
from bundle.index_posts import Category, IndexPosts
from bundle.known_users import HistoryPosts, KnownUsers
from bundle.manifest import BundleError, Canary
from bundle.post_trends import PostTrends
from bundle.served_posts import ServedPost
from gateway import page_token
from moodfeed.feed.v1 import feed_pb2
from moodfeed.post_index.v1 import post_index_pb2

GOLDEN = Path(__file__).parent


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    (directory,) = (GOLDEN / "bundles").iterdir()
    return open_bundle(directory)


def test_a_bundle_of_the_format_before_is_refused_by_name(tmp_path: Path) -> None:
    content = (GOLDEN / "manifest-format-7.json").read_bytes()
    directory = tmp_path / json.loads(content)["bundle_id"]
    directory.mkdir()
    (directory / "manifest.json").write_bytes(content)
    with pytest.raises(BundleError, match="has format version 7, this program reads 8: export again"):
        open_bundle(directory)


def test_the_manifest_says_what_was_put_in(bundle: Bundle) -> None:
    manifest = bundle.manifest
    assert (manifest.tower_dimension, manifest.text_dimension, manifest.user_weight) == (8, 8, 0.5)
    assert (manifest.format_version, manifest.metric, manifest.max_tokens) == (8, "inner_product", 128)
    assert manifest.tower == {
        "text_dimension": 8,
        "post_count": 6,
        "category_count": 3,
        "word_count": 3,
        "tower_dimension": 8,
        "representation_dimension": 4,
        "hidden_dimension": 4,
        "history_length": 4,
        "heads": 2,
        "new_post_bonus": 0,
        "taste_from_mean": 0,
        "order_decay": 0,
        "newcomers_follow_trend": True,
    }
    assert manifest.counts == {"posts": 6, "servable_posts": 5, "users": 3, "interactions": 4}
    assert manifest.canaries == (Canary("ana", "", None, (10, 20), (0.5, 0.25)),)


def test_the_index_holds_the_posts_that_were_put_in(bundle: Bundle) -> None:
    index = IndexPosts.read(bundle)
    assert index.post_ids.tolist() == [40, 20, 30, 10, 50]
    assert index.category_ids.tolist() == [0, 2, 2, 7, 7]
    assert index.categories == (Category(2, "calm"), Category(7, "loud"))
    assert index.posts[0] == ServedPost(40, "https://video.example/40", "post 40", "", 0, "mia", "")
    assert [post.external_id for post in index.posts] == ["", "tt0133093", "", "10,5", "30"]
    assert [post.language for post in index.posts] == ["", "en", "de", "en", ""]
    assert index.created_ms.tolist() == [-(2**63), 1_599_000_000_000, 1_599_900_000_000, 1_600_000_000_000, 0]
    np.testing.assert_allclose(index.popularity, [0.420242, 0.529312, 0.230247, 0.785786, 0.077709], atol=1e-6)
    np.testing.assert_allclose(
        index.tower_embeddings[1],
        [-0.222220, -0.399585, -0.196813, 0.013050, -0.734181, -0.069088, -0.393424, -0.231230],
        atol=1e-6,
    )
    assert index.text_embeddings[0].tolist() == [0] * 8
    np.testing.assert_allclose(
        index.text_embeddings[1].astype(np.float32),
        [0.607, 0.443, 0.1204, -0.407, -0.001501, 0.2212, -0.434, 0.1332],
        atol=5e-4,
    )


def test_the_trends_begin_where_they_were_put(bundle: Bundle) -> None:
    trends = PostTrends.read(bundle, count=5)
    assert trends.sums.tolist() == [0, 1.5, 0, 0.25, 0]
    assert trends.newest_moment_ms == 1_600_000_000_000
    assert trends.pair_keys.tolist() == [-8717786526600337265, -9082199452109444592]
    assert trends.pair_moments_ms.tolist() == [1_599_999_999_000, 1_600_000_000_000]


def test_the_users_have_the_histories_that_were_put_in(bundle: Bundle) -> None:
    users, posts = KnownUsers.read(bundle), HistoryPosts.read(bundle)
    assert users.usernames == ("ana", "béla", "😀")
    assert users.user_ids.tolist() == [1, 2, 3]
    assert users.offsets.tolist() == [0, 3, 3, 4]
    assert users.post_ids.tolist() == [10, 60, 20, 50]
    assert users.verbs.tolist() == [0, 1, 2, 3]
    assert users.strengths.tolist() == [np.float32(0.2), 0.5, 1, 0.75]
    assert users.days.tolist() == [-3, -2, -1, -5]
    assert posts.post_ids.tolist() == [10, 20, 30, 40, 50, 60]
    np.testing.assert_allclose(posts.representations[5], [-1.074365, 0.873042, -1.280394, -0.713068], atol=1e-6)


def test_the_canaries_have_the_embeddings_that_were_put_in(bundle: Bundle) -> None:
    canaries = CanaryEmbeddings.read(bundle)
    np.testing.assert_allclose(
        canaries.user_embeddings,
        [[0.244019, -0.884158, 0.151818, -0.228547, 0.042940, -0.029746, 0.079418, 0.272764]],
        atol=1e-6,
    )
    assert canaries.mood_embeddings.tolist() == [[0] * 8]


def test_a_page_token_of_the_version_before_is_refused() -> None:
    token = (GOLDEN / "page-token-version-4.txt").read_text(encoding="utf-8").strip()
    with pytest.raises(ValueError, match="another version"):
        page_token.read(token)


def test_a_page_token_leads_to_the_page_that_it_was_written_for() -> None:
    token = page_token.read((GOLDEN / "page_token.txt").read_text(encoding="utf-8").strip())
    assert token == page_token.PageToken(
        bundle_id="0123456789abcdef" * 4,
        request_digest=bytes.fromhex("836cf8f217816a216db42ebe0bad48d5"),
        offset=20,
        left_out=frozenset({"mood"}),
        log_position=1234,
        issued_at_ms=1_700_000_000_000,
        counted_position=1200,
        feed="0123456789abcdef",
        served_since_ms=1_699_913_600_000,
        posts_position=1230,
        rules_moment_ms=1_699_999_999_000,
        has_started_again=True,
    )
    assert page_token.digest("ana", 2, "calm 😌", (30,)) == token.request_digest


@pytest.mark.parametrize("message_class", [post_index_pb2.RankedPost, feed_pb2.FeedPost])
def test_a_packed_post_is_the_post_of_both_contracts(
    message_class: type[post_index_pb2.RankedPost | feed_pb2.FeedPost],
) -> None:
    post = message_class.FromString((GOLDEN / "packed_post.binpb").read_bytes())
    assert (post.post_id, post.category_id, post.score, post.ranking_score) == (40, 2, 0.25, -2.5)
    assert post.reason == feed_pb2.REASON_MOOD
    assert post.external_id == "lake-☔"
    assert (post.video_link, post.thumbnail_url) == ("https://video.example/40", "https://video.example/40.jpg")
    assert (post.title, post.owner_username) == ("A lake in the rain ☔", "béla")
