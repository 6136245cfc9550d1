"""The posts: few owners put them up in batches, a batch in one category on one day."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sample_api.latent import CATEGORY_SIZES, MOOD_LABELS, TOPICS
from sample_api.sizes import DAYS, Sizes

_MAIN_OWNER_SHARE = 0.75
_UPLOAD_DAYS = 81
_MAIN_BATCHES, _OTHER_BATCHES = 66, 44
_DEALT = 9
_FIRST_PACE = 0.2  # uploads on the first days relative to the last ones
_QUIET_DAYS = 5  # no posts in the last days, so that even the newest ones had a chance to be met
_TOPICS_OF_CATEGORY = 4
_TOPIC_OF_BATCH = 0.5  # share of a batch's posts with its topic; the others have one of their category's
_FOREIGN_TOPIC = 0.03


@dataclass(frozen=True, slots=True)
class Posts:
    """All posts, oldest first. ``created`` float64 days; ``batches`` number the uploads; all [posts]."""

    created: NDArray[np.float64]
    categories: NDArray[np.int64]  # ids
    owners: NDArray[np.int64]  # 0 is the busiest
    batches: NDArray[np.int64]
    topics: NDArray[np.int64]
    moods: NDArray[np.int64]


def make_posts(random: np.random.Generator, sizes: Sizes) -> Posts:
    """Each category leans to a few topics and each topic to a few moods, so that neither determines the other."""
    main = round(_MAIN_OWNER_SHARE * sizes.posts)
    lengths = np.concatenate(
        [_batch_sizes(random, main, _MAIN_BATCHES), _batch_sizes(random, sizes.posts - main, _OTHER_BATCHES)]
    )
    others = len(lengths) - int(np.searchsorted(np.cumsum(lengths), main)) - 1
    owners = np.zeros(len(lengths), dtype=np.int64)
    owners[len(lengths) - others :] = _other_owners(random, others, sizes.owners - 1)
    categories = _categories(random, lengths)
    days = _days(random, lengths)
    starts = days + random.uniform(6, 15, size=len(lengths)) / 24
    pace = np.minimum(random.uniform(60, 150, size=len(lengths)) / 86_400, 0.3 / lengths)
    batch = np.repeat(np.arange(len(lengths)), lengths)
    number = np.arange(len(batch)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    created = starts[batch] + number * pace[batch]
    order = np.argsort(created, kind="stable")
    batch = batch[order]
    topics = _topics(random, batch, categories)
    colouring = random.dirichlet(np.full(len(MOOD_LABELS), 0.6), size=len(TOPICS))
    shares = 0.7 * colouring + 0.3 / len(MOOD_LABELS)
    moods = (random.random(len(topics))[:, None] > np.cumsum(shares, axis=1)[topics]).sum(axis=1)
    return Posts(
        created[order], categories[batch], owners[batch], batch, topics, np.minimum(moods, len(MOOD_LABELS) - 1)
    )


def _batch_sizes(random: np.random.Generator, posts: int, batches: int) -> NDArray[np.int64]:
    """Sizes that add up to the posts: exponential, spread evenly over their distribution, at least 1."""
    batches = max(min(batches, posts // 2), 1)
    quantiles = (np.arange(batches) + random.random(batches)) / batches
    sizes = -np.log1p(-quantiles * 0.985)
    edges = np.round(np.cumsum(sizes) / sizes.sum() * (posts - batches)).astype(np.int64)
    return np.asarray(random.permutation(1 + np.diff(edges, prepend=0)))


def _other_owners(random: np.random.Generator, batches: int, owners: int) -> NDArray[np.int64]:
    """Every other owner has a batch if there are enough."""
    all_once = np.arange(1, owners + 1)[:batches]
    again = random.integers(1, owners + 1, size=batches - len(all_once))
    return random.permutation(np.concatenate([all_once, again]))


def _categories(random: np.random.Generator, lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """A category for each batch, so that the categories have about the share of posts that they have upstream."""
    numbers = np.array(list(CATEGORY_SIZES))
    sizes = np.array([size for _, size in CATEGORY_SIZES.values()], dtype=np.float64)
    left = sizes / sizes.sum() * lengths.sum()
    found = np.zeros(len(lengths), dtype=np.int64)
    for batch in np.argsort(-lengths, kind="stable"):
        weights = np.maximum(left - 0.6 * lengths[batch], 0) ** 1.5
        if weights.sum() == 0:
            weights = np.maximum(left, 0) + 1e-9
        category = int(random.choice(len(numbers), p=weights / weights.sum()))
        left[category] -= lengths[batch]
        found[batch] = numbers[category]
    return found


def _days(random: np.random.Generator, lengths: NDArray[np.int64]) -> NDArray[np.float64]:
    """The day of each batch, with days more often towards the end; many batches share a day.

    Large batches are dealt to all times alike, so that no world has all of its posts early or late.
    """
    count = min(_UPLOAD_DAYS, len(lengths))
    quantiles = (np.arange(count) + random.random(count)) / count
    rising = 1 - _FIRST_PACE
    at = (-_FIRST_PACE + np.sqrt(_FIRST_PACE**2 + quantiles * rising * (1 + _FIRST_PACE))) / rising
    days = np.floor(at * (DAYS - _QUIET_DAYS))
    days[0] = 0
    found = np.empty(len(lengths))
    for dealt in range(0, len(lengths), _DEALT):
        batches = np.argsort(-lengths, kind="stable")[dealt : dealt + _DEALT]
        stretch = np.arange(len(batches)) * count // len(batches)
        next_stretch = np.arange(1, len(batches) + 1) * count // len(batches)
        chosen = stretch + (random.random(len(batches)) * np.maximum(next_stretch - stretch, 1)).astype(np.int64)
        found[random.permutation(batches)] = days[np.minimum(chosen, count - 1)]
    free = np.setdiff1d(days, found)
    again = np.flatnonzero(_is_repeated(found))
    moved = random.permutation(again)[: len(free)]
    found[moved] = random.permutation(free)[: len(moved)]
    found[np.argmin(found)] = 0
    return found


def _is_repeated(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    repeated = np.ones(len(values), dtype=bool)
    repeated[np.unique(values, return_index=True)[1]] = False
    return repeated


def _topics(random: np.random.Generator, batch: NDArray[np.int64], categories: NDArray[np.int64]) -> NDArray[np.int64]:
    """A topic for each post, among those of its category."""
    numbers = list(CATEGORY_SIZES)
    of_category = np.stack([random.permutation(len(TOPICS))[:_TOPICS_OF_CATEGORY] for _ in numbers])
    # The two largest categories share no topic.
    every = random.permutation(len(TOPICS))
    for row in range(len(TOPICS) // _TOPICS_OF_CATEGORY):
        of_category[row] = every[row * _TOPICS_OF_CATEGORY : (row + 1) * _TOPICS_OF_CATEGORY]
    rows = np.array([numbers.index(category) for category in categories])[batch]
    drawn = of_category[rows, random.integers(0, _TOPICS_OF_CATEGORY, size=len(batch))]
    of_batch = of_category[rows, random.integers(0, _TOPICS_OF_CATEGORY, size=int(batch.max()) + 1)[batch]]
    topics = np.where(random.random(len(batch)) < _TOPIC_OF_BATCH, of_batch, drawn)
    foreign = random.random(len(batch)) < _FOREIGN_TOPIC
    return np.where(foreign, random.integers(0, len(TOPICS), size=len(batch)), topics)
