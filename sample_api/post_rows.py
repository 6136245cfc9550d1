"""Rows of the posts endpoint."""

import numpy as np

from sample_api.calendar import milliseconds_of
from sample_api.latent import CATEGORY_SIZES, MOOD_LABELS, TOPICS
from sample_api.rows import Row, Rows
from sample_api.tastes import Posts
from sample_api.texts import make_summary, make_title

NEWER_POST_KEYS = frozenset(
    {"exit_count", "share_count", "bookmark_count", "contract_address", "chain_id", "chart_url", "baseToken", "tags"}
)
"""Keys that the schema of a year ago did not have."""


def make_post_rows(
    random: np.random.Generator, posts: Posts, *, views: np.ndarray, usernames: list[str]
) -> tuple[Rows, list[int]]:
    """All posts, oldest first, and their ids by row; ``views`` [posts] counts how often each was viewed."""
    ids = np.cumsum(random.integers(1, 4, size=len(posts.created))) + 600
    rows = [
        _post_row(random, posts, row, post_id=int(post_id), views=int(views[row]), usernames=usernames)
        for row, post_id in enumerate(ids)
    ]
    if len(rows) > 100:
        rows[-40] = {key: value for key, value in rows[-40].items() if key != "created_at"} | {
            "created_at": "yesterday"
        }
    return tuple(rows), [int(post_id) for post_id in ids]


def _post_row(
    random: np.random.Generator, posts: Posts, row: int, *, post_id: int, views: int, usernames: list[str]
) -> Row:
    topic, mood = TOPICS[posts.topics[row]], MOOD_LABELS[posts.moods[row]]
    owner = str(random.choice(usernames))
    slug = "".join(random.choice(list("abcdefghijklmnopqrstuvwxyz0123456789"), size=12)).replace("a", "x")
    rated = int(random.integers(0, views + 1))
    has_coin = random.random() < 0.04
    return {
        "id": post_id,
        "category": _category(int(posts.categories[row])),
        "topic": {
            "id": int(posts.topics[row]) + 1,
            "name": topic,
            "created_at": "2025-01-01 00:00:00",
            "project_code": "flic",
        }
        if random.random() < 0.8
        else [],
        "title": make_title(random, topic),
        "slug": slug,
        "identifier": slug[:7],
        "comment_count": int(random.poisson(0.4)),
        "upvote_count": int(random.binomial(views, 0.2)),
        "view_count": views + int(random.poisson(2)),
        "exit_count": int(random.poisson(views + 3)),
        "rating_count": rated,
        "average_rating": int(random.integers(1, 101)) if rated else 0,
        "share_count": int(random.poisson(0.1)),
        "bookmark_count": int(random.poisson(0.2)),
        "video_link": f"https://video.example.com/{slug}/index.m3u8",
        "thumbnail_url": f"https://image.example.com/{slug}.jpg",
        "gif_thumbnail_url": "" if random.random() < 0.49 else f"https://image.example.com/{slug}.gif",
        "contract_address": f"0x{slug}" if has_coin else "",
        "chain_id": "8453" if has_coin else "",
        "chart_url": f"https://chart.example.com/{slug}" if has_coin else "",
        "baseToken": {"address": f"0x{slug}", "name": "sample", "symbol": "SMP"} if has_coin else "",
        "is_locked": bool(random.random() < 0.02),
        "is_available_in_public_feed": bool(random.random() < 0.97),
        "created_at": milliseconds_of(float(posts.created[row])),
        "first_name": "Sample",
        "last_name": f"Person {post_id}",
        "username": owner,
        "picture_url": f"https://image.example.com/{owner}.png",
        "user_type": None,
        "upvoted": False,
        "bookmarked": False,
        "following": False,
        "is_viewed": bool(random.random() < 0.5),
        "post_summary": make_summary(random, topic, mood),
        "tags": [topic] if random.random() < 0.01 else [],
    }


def _category(number: int) -> Row | list[Row]:
    if number == 0:
        return []
    name, _ = CATEGORY_SIZES[number]
    return {"id": number, "name": name, "count": number * 31 % 97, "description": f"About {name}", "image_url": ""}
