"""How much a user counts beside a mood: spreads of four posts, worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from bundle.index_posts import Category, IndexPosts
from bundle.served_posts import PostTable, ServedPost
from pipeline import mood_balance
from pipeline.mood_balance import USER_SHARE, _spread, balance

TEXT = np.array([[1, 0], [0.5, 0], [0, 1], [0, 0]], dtype=np.float16)
TOWER = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=np.float32)
ALONG_X, ALONG_Y = np.array([1.0, 0.0], dtype=np.float32), np.array([0.0, 1.0], dtype=np.float32)


def index_posts(text: np.ndarray = TEXT, tower: np.ndarray = TOWER) -> IndexPosts:
    count = len(text)
    return IndexPosts(
        post_ids=np.arange(count),
        category_ids=np.ones(count, dtype=np.int32),
        tower_embeddings=tower,
        text_embeddings=text,
        popularity=np.zeros(count, dtype=np.float32),
        created_ms=np.zeros(count, dtype=np.int64),
        posts=PostTable.of(ServedPost(number, "", "", "", 1, "") for number in range(count)),
        categories=(Category(1, "one"),),
    )


def test_a_spread_is_the_deviation_of_the_posts_averaged_over_the_queries() -> None:
    # Along x the products are 1, 0.5, 0, 0; along y 0, 0, 1, 0.
    along_x = np.sqrt((1 + 0.25) / 4 - (1.5 / 4) ** 2)
    along_y = np.sqrt(1 / 4 - (1 / 4) ** 2)
    assert _spread(TEXT, ALONG_X[None]) == pytest.approx(along_x)
    assert _spread(TEXT, np.stack([ALONG_X, ALONG_Y])) == pytest.approx((along_x + along_y) / 2)


def test_a_spread_in_blocks_is_the_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = _spread(TEXT, ALONG_X[None])
    for rows in (1, 2, 3):
        monkeypatch.setattr(mood_balance, "_BLOCK_ROWS", rows)
        assert _spread(TEXT, ALONG_X[None]) == pytest.approx(whole)


def test_posts_that_are_all_alike_have_no_spread() -> None:
    assert _spread(np.ones((4, 2), dtype=np.float32) * np.float32(0.3), ALONG_X[None]) == pytest.approx(0, abs=1e-6)
    assert _spread(np.zeros((0, 2), dtype=np.float32), ALONG_X[None]) == 0.0


def test_a_user_spreads_the_feed_by_their_share_of_what_a_mood_does() -> None:
    moods = ALONG_X[None]
    users = np.array([[1, 0, 0], [0, 1, 0]], dtype=np.float32)
    closeness = np.sqrt((1 + 0.25) / 4 - (1.5 / 4) ** 2)
    by_user = (np.sqrt(2 / 4) + np.sqrt(1 / 4 - (1 / 4) ** 2)) / 2
    assert USER_SHARE == 0.5
    assert balance(index_posts(), users, moods) == float(f"{0.5 * closeness / by_user:.3g}")
    assert balance(index_posts(), users, moods, user_share=2.0) == float(f"{2.0 * closeness / by_user:.3g}")


def test_users_that_spread_twice_as_far_get_half_the_weight() -> None:
    users = np.array([[1, 0, 0]], dtype=np.float32)
    once = balance(index_posts(), users, ALONG_X[None])
    twice = balance(index_posts(), 2 * users, ALONG_X[None])
    assert once == pytest.approx(2 * twice, rel=5e-3)  # rounded to three digits
    nearer = balance(index_posts(), users, 2 * ALONG_X[None])
    assert nearer == pytest.approx(2 * once, rel=5e-3)


@pytest.mark.parametrize(
    ("index", "users"),
    [
        (index_posts(), np.zeros((0, 3), dtype=np.float32)),
        (index_posts(), np.zeros((2, 3), dtype=np.float32)),
        (index_posts(), np.full((1, 3), 1e-7, dtype=np.float32)),
        (index_posts(TEXT[:1], TOWER[:1]), np.eye(3, dtype=np.float32)),
    ],
)
def test_where_users_spread_nothing_the_share_itself_is_the_weight(index: IndexPosts, users: np.ndarray) -> None:
    assert balance(index, users, ALONG_X[None], user_share=0.25) == 0.25


def test_two_posts_are_enough_to_spread() -> None:
    two = replace(index_posts(TEXT[[0, 3]], TOWER[[0, 1]]))
    weight = balance(two, np.array([[1, 0, 0]], dtype=np.float32), ALONG_X[None])
    assert weight == 0.25  # the mood spreads 1 and 0 by a half, the user 1 and -1 by one
