"""A small set in the form of the MicroLens selection: people who stay in one of three categories, in order."""

from pathlib import Path

import numpy as np
import pandas as pd

PEOPLE, POSTS, CATEGORIES = 60, 45, ("pets", "music", "football")
WORDS = {
    "pets": ("dog", "cat", "parrot"),
    "music": ("song", "guitar", "piano"),
    "football": ("goal", "match", "keeper"),
}
USERNAME = "1"


def write_microlens_files(directory: Path) -> Path:
    """Write interactions.parquet and posts.parquet; returns the directory."""
    random = np.random.default_rng(0)
    directory.mkdir(parents=True)
    posts = pd.DataFrame({"post_id": np.arange(1, POSTS + 1)})
    posts["category_id"] = (posts["post_id"] - 1) % len(CATEGORIES) + 1
    posts["category"] = [CATEGORIES[number - 1] for number in posts["category_id"]]
    posts["title"] = [
        f"a funny {WORDS[row.category][row.post_id % 3]} number {row.post_id}" for row in posts.itertuples(index=False)
    ]
    posts["hashtags"] = [[category] for category in posts["category"]]
    rows = []
    for user in range(1, PEOPLE + 1):
        liked = posts.loc[posts["category_id"] == user % len(CATEGORIES) + 1, "post_id"].to_numpy()
        met = random.permutation(liked)[:8]
        rows += [(user, int(post), position) for position, post in enumerate(met)]
    posts.to_parquet(directory / "posts.parquet")
    pd.DataFrame(rows, columns=["user_id", "post_id", "position"]).to_parquet(directory / "interactions.parquet")
    return directory
