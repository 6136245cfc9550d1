"""Counts shown posts and the interactions with them: metrics of online quality.

Every page is counted by its length alone, which says how many posts stood at each place. What needs the posts
themselves is counted on a sample of the pages, each for those that were passed over since: all pages as long as they
are few, and PAGES_A_SECOND in the long run, so that a busy gateway pays no more for it than an idle one.

No label is a caller's own text. A bundle is one that answered feeds here, a category one of posts that were shown here.
"""

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.feed_messages import post_and_category_of
from gateway.feed_page import bundle_of, short_bundle_id
from gateway.feed_types import LARGEST_PAGE_SIZE, Feed
from gateway.feedback_types import Interaction, Result, RowResult
from gateway.shown_posts import ShownPosts
from rpc.weighted_histogram import WeightedHistogram

PAGES_A_SECOND = 5.0
MOST_PAGES_AT_ONCE = 50.0
MOST_BUNDLES = 4  # the two that are held, and those of feeds that people still look at
MOST_CATEGORIES = 200
PLACES = ((1, 1), (2, 2), (3, 3), (4, 6), (7, 10), (11, 20), (21, LARGEST_PAGE_SIZE))
SHOWS = (0, 1, 3, 10, 30, 100, 300, 1000, 10_000)
NOT_TOLD, OTHER, UNKNOWN, RETRACTION = "none", "other", "unknown", "RETRACTION"

_NAMES_OF_PLACES = [f"{first}" if first == last else f"{first}-{last}" for first, last in PLACES]
_BUCKET_OF_PLACE = {
    place: name
    for name, (first, last) in zip(_NAMES_OF_PLACES, PLACES, strict=True)
    for place in range(first, last + 1)
}


class OnlineQuality(Collector):
    """The counts of one gateway; every method may be called from several threads."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, registry: CollectorRegistry = REGISTRY) -> None:
        """``clock`` gives seconds that never run backwards."""
        self._clock = clock
        self._lock = threading.Lock()
        self._pages: OrderedDict[str, Counter[int]] = OrderedDict()  # by bundle, how many pages of each length
        self._allowed, self._allowed_at = MOST_PAGES_AT_ONCE, clock()
        self._passed_over = 0  # pages since the last one that was looked into
        self._posts = ShownPosts(now=clock())
        self._shown_by_category: Counter[str] = Counter()
        self._shows_before = WeightedHistogram(
            "moodfeed_shown_post_shows_before",
            "How often a shown post had been shown in the 12 to 24 hours before, from sampled pages.",
            buckets=SHOWS,
            registry=registry,
        )
        self._told: Counter[tuple[str, str, str]] = Counter()  # verb, bundle, place
        self._told_by_category: Counter[tuple[str, str]] = Counter()  # verb, category
        registry.register(self)

    def count_shown(self, feed: Feed) -> None:
        """Count the posts of an answer that interactions can name."""
        count = len(feed.posts)
        if not count:
            return
        now = self._clock()
        with self._lock:
            pages = self._pages.get(feed.bundle_id)
            if pages is None:
                pages = self._new_bundle(feed.bundle_id)
            pages[count] += 1
            self._passed_over += 1
            allowed = self._allowed + (now - self._allowed_at) * PAGES_A_SECOND
            self._allowed, self._allowed_at = min(allowed, MOST_PAGES_AT_ONCE), now
            if allowed >= 1:
                self._allowed -= 1
                times, self._passed_over = self._passed_over, 0
                self._look_into(feed.posts, times=times, now=now)

    def count_told(self, rows: Sequence[Interaction], results: Sequence[RowResult]) -> None:
        """Count the interactions that were recorded, each once: not those that were there already."""
        with self._lock:
            for row, result in zip(rows, results, strict=True):
                if result.result is Result.ACCEPTED:
                    verb = row.verb or RETRACTION
                    place = NOT_TOLD if row.place is None else _BUCKET_OF_PLACE.get(row.place, OTHER)
                    self._told[verb, self._bundle_named(row.feed_id), place] += 1
                    if row.feed_id:
                        self._told_by_category[verb, self._category_named(row.post_id)] += 1

    def _new_bundle(self, bundle_id: str) -> Counter[int]:
        if len(self._pages) >= MOST_BUNDLES:
            gone, _ = self._pages.popitem(last=False)
            for key in [key for key in self._told if key[1] == short_bundle_id(gone)]:
                del self._told[key]
        pages = self._pages[bundle_id] = Counter()
        return pages

    def _look_into(self, posts: Sequence[bytes], *, times: int, now: float) -> None:
        for packed in posts:
            post_id, category_id = post_and_category_of(packed)
            self._shown_by_category[self._category_label(category_id)] += times
            before = self._posts.show(post_id, category_id, times=times, now=now)
            self._shows_before.observe(before, times=times)

    def _category_label(self, category_id: int) -> str:
        label = str(category_id)
        known = self._shown_by_category
        return label if label in known or len(known) < MOST_CATEGORIES else OTHER

    def _bundle_named(self, feed_id: str) -> str:
        if not feed_id:
            return NOT_TOLD
        named = bundle_of(feed_id)
        return named if any(short_bundle_id(known) == named for known in self._pages) else OTHER

    def _category_named(self, post_id: int | None) -> str:
        category_id = None if post_id is None else self._posts.category_of(post_id)
        return UNKNOWN if category_id is None else self._category_label(category_id)

    def collect(self) -> Iterator[Metric]:
        """The metrics as they are now."""
        with self._lock:
            pages = {bundle_id: Counter(counts) for bundle_id, counts in self._pages.items()}
            told, told_by_category = Counter(self._told), Counter(self._told_by_category)
            by_category, different = Counter(self._shown_by_category), self._posts.different
        yield _shown_posts(pages)
        family = CounterMetricFamily(
            "moodfeed_shown_posts_by_category",
            "Posts shown, by the id of their category: estimated from a sample of the pages.",
            labels=["category"],
        )
        for category, count in by_category.items():
            family.add_metric([category], count)
        yield family
        yield GaugeMetricFamily(
            "moodfeed_shown_different_posts",
            "Different posts in the sampled pages of the last 12 to 24 hours.",
            value=different,
        )
        yield from _told(told, told_by_category)


def _shown_posts(pages: dict[str, Counter[int]]) -> Metric:
    family = CounterMetricFamily(
        "moodfeed_shown_posts",
        "Posts shown in answers that have a feed_id, by bundle and by place on the page.",
        labels=["bundle", "place"],
    )
    for bundle_id, lengths in pages.items():
        for name, (first, last) in zip(_NAMES_OF_PLACES, PLACES, strict=True):
            count = sum(number * max(0, min(length, last) - first + 1) for length, number in lengths.items())
            family.add_metric([short_bundle_id(bundle_id), name], count)
    return family


def _told(counts: Counter[tuple[str, str, str]], by_category: Counter[tuple[str, str]]) -> Iterator[Metric]:
    family = CounterMetricFamily(
        "moodfeed_recorded_interactions",
        "Interactions recorded, by the bundle of the feed and the place that they name.",
        labels=["verb", "bundle", "place"],
    )
    for of_place, count in counts.items():
        family.add_metric(of_place, count)
    yield family
    family = CounterMetricFamily(
        "moodfeed_recorded_interactions_by_category",
        "Interactions recorded that name a feed, by the id of the post's category; unknown if it was not shown here.",
        labels=["verb", "category"],
    )
    for of_category, count in by_category.items():
        family.add_metric(of_category, count)
    yield family


ONLINE = OnlineQuality()
"""Of this process."""
