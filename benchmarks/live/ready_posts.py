"""Posts that come with their embeddings, straight into a store: `python -m benchmarks.live.ready_posts URL RATE`.

For each line of its input, a number of seconds, the process writes so many posts a second for that long, and then
prints how many. What a post is depends on its number alone.
"""

import argparse
import sys
import time

import numpy as np
from numpy.typing import NDArray

from bundle.embedding_space import Vector
from store.port import Store
from store.posts import NewPost, Post, PostEmbedding
from store.sql_store import open_store

BUNDLE_ID = "0" * 64
CATEGORIES, TOWER_DIMENSION, TEXT_DIMENSION = 10, 64, 384
FIRST_ID = 10_000_000
_AT_ONCE = 10


def category_of(number: int) -> int:
    """The category of a post, from 1 on."""
    return 1 + number % CATEGORIES


def tower_of(number: int) -> Vector:
    """The tower embedding of a post: a random direction, float32 [TOWER_DIMENSION]."""
    return _direction(number, TOWER_DIMENSION)


def _direction(number: int, dimension: int) -> NDArray[np.float32]:
    vector = np.random.default_rng([dimension, number]).standard_normal(dimension, dtype=np.float32)
    return vector / np.linalg.norm(vector)


def write(store: Store, numbers: range) -> None:
    """Upsert posts, and keep their embeddings."""
    posts = [
        NewPost(
            post=Post(
                post_id=FIRST_ID + number,
                category_id=category_of(number),
                video_link=f"https://video.example/{number}.mp4",
                created_at_ms=1_790_000_000_000 + number,
                title=f"what happened in take {number}",
                owner_username=f"person{number % 5_000}",
            )
        )
        for number in numbers
    ]
    store.upsert_posts(posts)
    revisions = store.posts_by_id([new.post.post_id for new in posts])
    store.keep_embeddings(
        BUNDLE_ID,
        [
            PostEmbedding(
                post_id=FIRST_ID + number,
                revision=revisions[FIRST_ID + number].position,
                tower=tower_of(number).astype("<f4").tobytes(),
                text=_direction(number, TEXT_DIMENSION).astype("<f2").tobytes(),
            )
            for number in numbers
        ],
    )


def main() -> None:
    """Write as the input says, until it ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("rate", type=float)
    options = parser.parse_args()
    number = 0
    with open_store(options.url) as store:
        store.position()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        for line in sys.stdin:
            begun, first = time.perf_counter(), number
            while (due := (number - first) / options.rate) < float(line):
                time.sleep(max(begun + due - time.perf_counter(), 0.0))
                write(store, range(number, number + _AT_ONCE))
                number += _AT_ONCE
            sys.stdout.write(f"{number - first} {time.perf_counter() - begun}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
