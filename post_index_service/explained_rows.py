"""Why the posts of a page are there: the explanations of rows of both segments."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bundle.embedding_space import Vector
from bundle.index_posts import IndexPosts
from post_index_service.codes import Rows, Scores
from post_index_service.explanations import Explained, Explanation, History
from post_index_service.layer import LayerPart
from post_index_service.living_shares import Blended
from post_index_service.living_term import parts_of
from post_index_service.ruled_rows import RuledRows


def explanations_of(
    rows: Rows,
    *,
    part: LayerPart,
    posts: IndexPosts,
    user: Vector | None,
    mood: Vector | None,
    seen: tuple[Rows, Sequence[int]],
    ruled: RuledRows,
    blended: Blended | None = None,
    similarity: Scores | None = None,
) -> tuple[Explanation, ...]:
    """Of the rows of a page; posts of the history are those of the bundle, and the live ones that are visible.

    ``seen`` are the posts that the user has seen: rows of the whole bundle, and ids. ``similarity`` float32 [rows] is
    the closeness to the post that was asked for.
    """
    live, (of_bundle, seen_post_ids) = part.layer.live, seen
    seen_live = np.flatnonzero(live.visible(part.position) & np.isin(live.ids, seen_post_ids))
    of_bundle = of_bundle[~np.isin(posts.post_ids[of_bundle], live.ids[seen_live])]
    history = History(
        np.concatenate([posts.post_ids[of_bundle], live.ids[seen_live]]),
        np.concatenate([posts.tower_embeddings[of_bundle], live.tower[seen_live]]),
    )
    explained = Explained(
        part.gathered(rows, posts.post_ids, live.ids),
        part.gathered(rows, posts.tower_embeddings, live.tower),
        part.gathered(rows, posts.text_embeddings, live.text),
        part.gathered(rows, posts.popularity, live.popularity),
    ).explain(np.arange(len(rows)), user=user, mood=mood, history=history)
    if blended is not None:
        explained = tuple(
            replace(explanation, popularity_share=share, category_lift=lift, next_post=expected)
            for explanation, share, lift, expected in zip(
                explained, *(values.tolist() for values in parts_of(*blended, part, rows)), strict=True
            )
        )
    if similarity is not None:
        explained = tuple(
            replace(explanation, similarity=closeness)
            for explanation, closeness in zip(explained, similarity.tolist(), strict=True)
        )
    return tuple(
        replace(explanation, rules=ruled.names(row)) for row, explanation in zip(rows.tolist(), explained, strict=True)
    )
