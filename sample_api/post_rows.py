"""Rows of the posts endpoint."""

from random import Random

import numpy as np
from numpy.typing import NDArray

from sample_api.calendar import milliseconds_of
from sample_api.latent import CATEGORY_SIZES, MOOD_LABELS, TOPICS
from sample_api.rows import Row, Rows
from sample_api.texts import make_summary, make_title
from sample_api.uploads import Posts
from sample_api.user_rows import Accounts

NEWER_POST_KEYS = frozenset(
    {"exit_count", "share_count", "bookmark_count", "contract_address", "chain_id", "chart_url", "baseToken", "tags"}
)
"""Keys that the schema of a year ago did not have."""


_FAR_FROM_THE_END = 40


def make_post_rows(
    posts: Posts, *, seed: int, ids: NDArray[np.int64], views: NDArray[np.int64], accounts: Accounts
) -> Rows:
    """All posts, oldest first; ``ids`` and ``views`` (how often each was viewed) [posts]. One has no sound date."""
    count = len(ids)

    def row_of(row: int) -> Row:
        owner = accounts.name_of(int(accounts.owners[posts.owners[row] % len(accounts.owners)]))
        made = _post_row(
            Random(f"{seed}/post/{row}"), posts, row, post_id=int(ids[row]), views=int(views[row]), owner=owner
        )
        return {**made, "created_at": "yesterday"} if row == count - _FAR_FROM_THE_END and count > 100 else made

    return Rows(range(count), row_of)


def _post_row(random: Random, posts: Posts, row: int, *, post_id: int, views: int, owner: str) -> Row:
    topic, mood = TOPICS[posts.topics[row]], MOOD_LABELS[posts.moods[row]]
    slug = "".join(random.choices("bcdefghijklmnopqrstuvwxyz0123456789", k=12))
    rated = random.randint(0, views)
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
        "comment_count": int(random.expovariate(1.5)),
        "upvote_count": round(views * random.uniform(0, 0.4)),
        "view_count": views + int(random.expovariate(0.4)),
        "exit_count": int(random.expovariate(1 / (views + 3))),
        "rating_count": rated,
        "average_rating": random.randint(1, 100) if rated else 0,
        "share_count": int(random.expovariate(3.0)),
        "bookmark_count": int(random.expovariate(2.0)),
        "video_link": f"https://video.example.com/{slug}/index.m3u8",
        "thumbnail_url": f"https://image.example.com/{slug}.jpg",
        "gif_thumbnail_url": "" if random.random() < 0.49 else f"https://image.example.com/{slug}.gif",
        "contract_address": f"0x{slug}" if has_coin else "",
        "chain_id": "8453" if has_coin else "",
        "chart_url": f"https://chart.example.com/{slug}" if has_coin else "",
        "baseToken": {"address": f"0x{slug}", "name": "sample", "symbol": "SMP"} if has_coin else "",
        "is_locked": random.random() < 0.02,
        "is_available_in_public_feed": random.random() < 0.97,
        "created_at": milliseconds_of(float(posts.created[row])),
        "first_name": "Sample",
        "last_name": f"Person {post_id}",
        "username": owner,
        "picture_url": f"https://image.example.com/{owner}.png",
        "user_type": None,
        "upvoted": False,
        "bookmarked": False,
        "following": False,
        "is_viewed": random.random() < 0.5,
        "post_summary": make_summary(random, topic, mood),
        "tags": [topic] if random.random() < 0.01 else [],
    }


def _category(number: int) -> Row | list[Row]:
    if number == 0:
        return []
    name, _ = CATEGORY_SIZES[number]
    return {"id": number, "name": name, "count": number * 31 % 97, "description": f"About {name}", "image_url": ""}
