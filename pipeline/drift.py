"""How the clean tables differ from the data of the bundle that is published."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bundle.directory import Bundle
from bundle.index_posts import IndexPosts
from bundle.known_users import KnownUsers
from bundle.verbs import VERBS
from pipeline.validation_report import Finding, Level

SMALLEST_SHARE_LEFT = 0.5  # of the rows of the published bundle
LARGEST_GROWTH = 3.0
LARGEST_MOVE = 0.1  # total variation distance between two distributions, 0..1


@dataclass(frozen=True, slots=True)
class DataProfile:
    """What drift is measured on, of clean tables or of a bundle.

    ``counts`` by name, ``categories`` posts by category id (0 = none), ``verbs`` the share of pairs of a person and a
    post by their strongest verb, float64 [verbs], ``median_history`` posts met by the median person with a history.
    """

    counts: Mapping[str, int]
    categories: Mapping[int, int]
    verbs: NDArray[np.float64]
    median_history: float


def profile_of_bundle(bundle: Bundle) -> DataProfile:
    """The profile of a bundle's data, from its manifest, its posts and its users; BundleError if they are damaged."""
    index, users = IndexPosts.read(bundle), KnownUsers.read(bundle)
    lengths = np.diff(users.offsets)
    ids, sizes = np.unique(index.category_ids, return_counts=True)
    return DataProfile(
        counts={name: bundle.manifest.counts.get(name, 0) for name in ("servable_posts", "users", "interactions")},
        categories=dict(zip(ids.tolist(), sizes.tolist(), strict=True)),
        verbs=_shares(np.bincount(users.verbs, minlength=len(VERBS))),
        median_history=float(np.median(lengths[lengths > 0])) if (lengths > 0).any() else 0.0,
    )


def profile_of_tables(
    events: Mapping[str, NDArray[np.generic]],
    posts: Mapping[str, NDArray[np.generic]],
    users: Mapping[str, NDArray[np.generic]],
    *,
    total: int | None = None,
) -> DataProfile:
    """The profile of clean tables: events need user_id, post_id and verb, posts category_id and is_servable.

    ``total`` is the number of all events where ``events`` are those of a sample of people.
    """
    servable = posts["is_servable"].astype(bool)
    ids, sizes = np.unique(posts["category_id"][servable], return_counts=True)
    answers = users["answers"].astype(bool)
    verbs, lengths = _strongest_verbs(events)
    return DataProfile(
        counts={
            "servable_posts": int(servable.sum()),
            "users": int(answers.sum()),
            "interactions": total or len(events["user_id"]),
        },
        categories=dict(zip(ids.tolist(), sizes.tolist(), strict=True)),
        verbs=_shares(verbs),
        median_history=float(np.median(lengths)) if len(lengths) else 0.0,
    )


def drift(new: DataProfile, published: DataProfile) -> tuple[Finding, ...]:
    """Warnings about what has changed more than data usually does between two trainings."""
    findings = []
    for name, before in published.counts.items():
        now = new.counts[name]
        if before and not SMALLEST_SHARE_LEFT * before <= now <= LARGEST_GROWTH * before:
            what = f"{name.replace('_', ' ')}: {now}, but {before} in the published bundle"
            findings.append(Finding(Level.WARNING, "drift", what, now, before, ""))
    gone = sorted(set(published.categories) - set(new.categories) - {0})
    if gone:
        example = f"category {gone[0]} with {published.categories[gone[0]]} posts"
        what = "categories of the published bundle no longer have posts"
        findings.append(Finding(Level.WARNING, "drift", what, len(gone), len(published.categories), example))
    ids = sorted(set(new.categories) | set(published.categories))
    moved = _distance(*(_shares(np.array([part.categories.get(each, 0) for each in ids])) for part in (new, published)))
    if moved > LARGEST_MOVE:
        what = f"{moved:.0%} of the posts are in other categories than in the published bundle"
        findings.append(Finding(Level.WARNING, "drift", what, len(ids), len(ids), ""))
    moved = _distance(new.verbs, published.verbs)
    if moved > LARGEST_MOVE and new.verbs.any() and published.verbs.any():
        worst = int(np.abs(new.verbs - published.verbs).argmax())
        example = f"{VERBS[worst]}: {new.verbs[worst]:.0%}, was {published.verbs[worst]:.0%}"
        what = f"the distribution of verbs has shifted by {moved:.0%}"
        findings.append(Finding(Level.WARNING, "drift", what, len(VERBS), len(VERBS), example))
    usual = published.median_history
    if usual and not SMALLEST_SHARE_LEFT <= new.median_history / usual <= LARGEST_GROWTH:
        what = f"the median person has {new.median_history:.0f} posts, was {usual:.0f}"
        findings.append(Finding(Level.WARNING, "drift", what, 1, 1, ""))
    return tuple(findings)


def _strongest_verbs(events: Mapping[str, NDArray[np.generic]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The number of pairs by verb, the strongest of each pair, int64 [verbs]; and the posts met by each person."""
    count = len(events["user_id"])
    if not count:
        return np.zeros(len(VERBS), dtype=np.int64), np.zeros(0, dtype=np.int64)
    order_of_strength = np.array([VERBS.index(verb) for verb in ("view", "rating", "like", "inspire")])
    strength = np.argsort(order_of_strength)[events["verb"].astype(np.int64)]
    order = np.lexsort((strength, events["post_id"], events["user_id"]))
    users, posts = events["user_id"][order], events["post_id"][order]
    is_last = np.append((users[1:] != users[:-1]) | (posts[1:] != posts[:-1]), True)
    verbs = events["verb"].astype(np.int64)[order][is_last]
    _, lengths = np.unique(users[is_last], return_counts=True)
    return np.bincount(verbs, minlength=len(VERBS)), lengths.astype(np.int64)


def _shares(counts: NDArray[np.generic]) -> NDArray[np.float64]:
    return counts.astype(np.float64) / max(float(counts.sum()), 1.0)


def _distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(np.abs(one - other).sum() / 2)
