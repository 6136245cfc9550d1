"""Posts of MicroLens that training never saw, brought in by UpsertPosts, among which people are asked for feeds."""

import time
from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmarks.live.bench import Bench
from benchmarks.live.clients import MOST_UPSERTED, Caller, calling, post_ids
from benchmarks.live.fleet import AS_OPERATOR
from benchmarks.live.live_posts import wait_until_served
from benchmarks.live.microlens import microlens_data, towers_of
from benchmarks.live.results import Found, LeftOutError, Line
from benchmarks.live.stores import SQLITE, running_store
from benchmarks.processes import running_product
from bundle.directory import current_bundle, open_bundle
from mood_encoder.encoder_files import default_encoder_directory
from pipeline.dataset import Dataset
from pipeline.evaluate import model_recommender
from pipeline.export import export
from pipeline.ranking import measure as measure_ranks
from pipeline.ranking import rank_targets
from pipeline.refreshed_towers import refreshed_towers
from pipeline.splits import Split, cold_posts, split_cold_posts
from store.posts import Post

_BAR = 0.1823  # what docs/quality.md has of `moodfeed cold-start`
_MARK = "cold"  # the language of the cold posts, by which a feed is restricted to them


def measure(bench: Bench) -> Found:
    """Serve towers that were trained without every twentieth post, and bring those posts in."""
    dataset = microlens_data(bench)
    split, is_cold = split_cold_posts(dataset), cold_posts(dataset)
    if not len(split.user_rows):
        raise LeftOutError(f"{bench.microlens} has nobody whose last post is a cold one")
    past = split.past.of_posts(~is_cold)
    towers = towers_of(bench, past, figure="cold-posts", without="every twentieth post")
    bench.say("export")
    bundles = bench.scratch / "bundles"
    export(past, towers, None, encoder_directory=default_encoder_directory(), bundles=bundles, sidecar={})
    posts = list(_posts(dataset, np.flatnonzero(is_cold).tolist()))
    with (
        running_store(SQLITE, bench.scratch / SQLITE) as (url, _),
        running_product(
            bundles,
            logs=bench.scratch / "logs",
            embedded=True,
            variables={"MOODFEED_STORE_URL": url, **AS_OPERATOR},
        ) as product,
        calling(product.gateway_grpc) as caller,
    ):
        bench.say(f"{len(posts):,} posts")
        begun = time.perf_counter()
        for first in range(0, len(posts), MOST_UPSERTED):
            caller.upsert(posts[first : first + MOST_UPSERTED])
        wait_until_served(caller, posts, seconds=1800)
        took = time.perf_counter() - begun
        bench.say(f"{len(split.user_rows):,} people")
        hits = _ask(caller, dataset, split)
    of_all_posts = refreshed_towers(open_bundle(current_bundle(bundles)), split.past)
    recommender = model_recommender(of_all_posts, split.past)
    offline = measure_ranks(rank_targets(split, recommender, candidates=is_cold)).recall
    return Found(
        how="MicroLens-50k, `configs/microlens.toml`, trained without every twentieth post; the bundle does not know "
        "them. They come by `UpsertPosts` with a language of their own, and people whose last post is one of them ask "
        "`GetFeed` for ten posts of that language. The bar is the offline figure of `moodfeed cold-start` "
        "([quality.md](quality.md)), where these posts are part of the data that was trained on, without interactions.",
        lines=(
            Line(
                "Recall@10 among cold posts",
                float(np.mean(hits)),
                at_least=_BAR,
                note=f"{len(hits):,} people, {len(posts):,} posts; {np.mean(offline):.4f} offline by the same towers",
            ),
            Line("posts/s until all are served", len(posts) / took, "/s"),
        ),
    )


def _posts(dataset: Dataset, rows: list[int]) -> Iterator[Post]:
    """The posts that may be served, with their summaries as titles: the text that the pipeline embeds.

    Those without a category get one that training did not know, which the towers take for none.
    """
    no_category = int(dataset.category_ids.max()) + 1
    for post in dataset.posts.iloc[rows].to_dict("records"):
        if not post["is_servable"]:
            continue
        has_category = not pd.isna(post["category_id"])
        yield Post(
            post_id=int(post["post_id"]),
            category_id=int(post["category_id"]) if has_category else no_category,
            category_name=str(post["category_name"]) if has_category else "none",
            title=str(post["summary_text"]),
            video_link=str(post["video_link"]) or f"https://video.example/{post['post_id']}.mp4",
            created_at_ms=0,
            language=_MARK,
        )


def _ask(caller: Caller, dataset: Dataset, split: Split) -> list[bool]:
    """Whether each person's held-back post is among the first ten cold ones."""
    names = dataset.users["username"].to_numpy()[split.user_rows].tolist()
    return [
        not set(dataset.post_ids[targets].tolist()).isdisjoint(
            post_ids(caller.feed(name, languages=[_MARK], include_own_posts=True))
        )
        for name, targets in zip(names, split.targets, strict=True)
    ]
