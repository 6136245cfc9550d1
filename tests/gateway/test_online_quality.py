"""What is counted of shown posts and of what people say about them, and that callers cannot invent labels."""

from collections import Counter
from itertools import pairwise

import pytest
from prometheus_client import CollectorRegistry

from gateway import online_quality
from gateway.feed_page import bundle_of, feed_id_of, short_bundle_id
from gateway.feed_types import LARGEST_PAGE_SIZE, Feed, FeedRanking
from gateway.feedback_types import Interaction, Result, RowResult
from gateway.online_quality import MOST_BUNDLES, MOST_CATEGORIES, MOST_PAGES_AT_ONCE, PAGES_A_SECOND, OnlineQuality
from gateway.shown_posts import HALF_SECONDS, ShownPosts
from moodfeed.feed.v1 import feed_pb2

ANSWER = "0123456789abcdef01234567"
BUNDLE, SHORT = "ab" * 32, "abababab"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def post(post_id: int, category_id: int = 7) -> bytes:
    return feed_pb2.FeedPost(post_id=post_id, category_id=category_id).SerializeToString()


def feed(*posts: bytes, bundle_id: str = BUNDLE) -> Feed:
    return Feed(posts, "", bundle_id, FeedRanking.USER, feed_id=feed_id_of(ANSWER, bundle_id))


class World:
    """Counts in a registry of its own."""

    def __init__(self) -> None:
        self.clock, self.registry = Clock(), CollectorRegistry()
        self.counts = OnlineQuality(clock=self.clock, registry=self.registry)

    def tell(self, *rows: Interaction, result: Result = Result.ACCEPTED) -> None:
        self.counts.count_told(rows, [RowResult(result, "", "e") for _ in rows])

    def samples(self, name: str) -> dict[tuple[str, ...], float]:
        """By the values of the labels, in the order of their names."""
        return {
            tuple(value for _, value in sorted(sample.labels.items())): sample.value
            for metric in self.registry.collect()
            for sample in metric.samples
            if sample.name == name
        }


@pytest.fixture
def world() -> World:
    return World()


def like(**fields: object) -> Interaction:
    return Interaction(**{"username": "ana", "verb": "LIKE", "post_id": 1, **fields})


def test_a_feed_id_names_the_bundle_and_its_feed() -> None:
    feed_id = feed_id_of(ANSWER, BUNDLE)
    assert (feed_id[:24], bundle_of(feed_id), short_bundle_id(BUNDLE)) == (ANSWER, SHORT, SHORT)
    assert bundle_of("short") == ""


def test_each_place_of_a_page_is_counted_exactly_once(world: World) -> None:
    lengths = [1, 2, 5, 20, 20, LARGEST_PAGE_SIZE]
    for length in lengths:
        world.counts.count_shown(feed(*map(post, range(length))))
    shown = world.samples("moodfeed_shown_posts_total")
    assert sum(shown.values()) == sum(lengths)
    assert shown == {
        (SHORT, "1"): 6,
        (SHORT, "2"): 5,
        (SHORT, "3"): 4,
        (SHORT, "4-6"): 2 + 3 * 3,
        (SHORT, "7-10"): 4 * 3,
        (SHORT, "11-20"): 10 * 3,
        (SHORT, "21-100"): 80,
    }


def test_the_places_are_all_those_of_a_page() -> None:
    assert online_quality.PLACES[0][0] == 1
    assert online_quality.PLACES[-1][1] == LARGEST_PAGE_SIZE
    assert all(last + 1 == first for (_, last), (first, _) in pairwise(online_quality.PLACES))


def test_an_empty_page_counts_nothing(world: World) -> None:
    world.counts.count_shown(feed())
    assert world.samples("moodfeed_shown_posts_total") == {}


def test_few_pages_are_all_looked_into_and_many_are_estimated_without_loss(world: World) -> None:
    for _ in range(int(MOST_PAGES_AT_ONCE)):
        world.counts.count_shown(feed(post(1, 7), post(2, 8)))
    assert world.samples("moodfeed_shown_posts_by_category_total") == {("7",): 50, ("8",): 50}
    for _ in range(10_000):  # in ten seconds, of which PAGES_A_SECOND are looked into
        world.clock.now += 0.001
        world.counts.count_shown(feed(post(1, 7), post(2, 8)))
    estimated = world.samples("moodfeed_shown_posts_by_category_total")
    assert estimated["7",] == pytest.approx(10_050, abs=1000 / PAGES_A_SECOND + 1)
    assert world.samples("moodfeed_shown_posts_total")[SHORT, "1"] == 10_050


def test_a_busy_gateway_looks_into_a_bounded_number_of_pages(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = Counter[str]()
    monkeypatch.setattr(world.counts, "_look_into", lambda *_, **__: looks.update(["look"]))
    for _ in range(10_000):
        world.clock.now += 0.001
        world.counts.count_shown(feed(post(1)))
    assert looks["look"] <= MOST_PAGES_AT_ONCE + 10 * PAGES_A_SECOND + 1


def test_interactions_are_counted_by_what_they_name(world: World) -> None:
    world.counts.count_shown(feed(post(1, 7), post(2, 8)))
    feed_id = feed_id_of(ANSWER, BUNDLE)
    world.tell(
        like(feed_id=feed_id, place=1),
        like(feed_id=feed_id, place=5, post_id=2),
        like(verb="SKIP", feed_id=feed_id),
        like(),
        like(verb="", post_id=None, retracts="e", feed_id=feed_id),
    )
    assert world.samples("moodfeed_recorded_interactions_total") == {
        (SHORT, "1", "LIKE"): 1,
        (SHORT, "4-6", "LIKE"): 1,
        (SHORT, "none", "SKIP"): 1,
        ("none", "none", "LIKE"): 1,
        (SHORT, "none", "RETRACTION"): 1,
    }
    assert world.samples("moodfeed_recorded_interactions_by_category_total") == {
        ("7", "LIKE"): 1,
        ("8", "LIKE"): 1,
        ("7", "SKIP"): 1,
        ("unknown", "RETRACTION"): 1,
    }


@pytest.mark.parametrize("result", [Result.DUPLICATE, Result.REJECTED])
def test_what_is_not_recorded_is_not_counted(world: World, result: Result) -> None:
    world.tell(like(), result=result)
    assert world.samples("moodfeed_recorded_interactions_total") == {}


def test_callers_cannot_invent_labels(world: World) -> None:
    world.counts.count_shown(feed(post(1, 7)))
    for number in range(1000):
        world.tell(like(feed_id=f"{ANSWER}{number:08x}", post_id=1000 + number))
        world.tell(like(feed_id=f"no feed_id of ours {number}", place=1 + number % 100, post_id=-number))
    assert {key[0] for key in world.samples("moodfeed_recorded_interactions_total")} == {"other"}
    assert world.samples("moodfeed_recorded_interactions_by_category_total") == {("unknown", "LIKE"): 2000}


def test_series_of_bundles_that_are_long_gone_are_dropped(world: World) -> None:
    for number in range(50):
        bundle_id = f"{number:08x}" * 8
        world.counts.count_shown(feed(post(1), bundle_id=bundle_id))
        world.tell(like(feed_id=feed_id_of(ANSWER, bundle_id)))
    kept = {f"{number:08x}" for number in range(50 - MOST_BUNDLES, 50)}
    assert {key[0] for key in world.samples("moodfeed_shown_posts_total")} == kept
    assert {key[0] for key in world.samples("moodfeed_recorded_interactions_total")} == kept


def test_categories_beyond_the_most_share_a_label(world: World) -> None:
    for number in range(MOST_CATEGORIES + 50):
        world.clock.now += 1
        world.counts.count_shown(feed(post(number, number)))
        world.tell(like(post_id=number, feed_id="f"))
    shown = world.samples("moodfeed_shown_posts_by_category_total")
    assert len(shown) == MOST_CATEGORIES + 1
    assert shown["other",] == 50
    assert world.samples("moodfeed_recorded_interactions_by_category_total")["other", "LIKE"] == 50


def test_a_post_is_the_less_new_the_more_often_it_was_shown(world: World) -> None:
    for _ in range(5):
        world.counts.count_shown(feed(post(1), post(2)))
    world.counts.count_shown(feed(post(3)))
    assert world.samples("moodfeed_shown_different_posts") == {(): 3}
    assert world.samples("moodfeed_shown_post_shows_before_bucket")["0.0",] == 3
    assert world.samples("moodfeed_shown_post_shows_before_sum") == {(): 2 * (0 + 1 + 2 + 3 + 4)}


def test_what_was_shown_long_ago_is_forgotten() -> None:
    shown = ShownPosts(now=0.0)
    assert shown.show(1, 7, times=2, now=1.0) == 0
    assert shown.show(1, 7, times=1, now=HALF_SECONDS) == 2
    assert (shown.different, shown.category_of(1)) == (1, 7)
    shown.show(2, 8, times=1, now=2 * HALF_SECONDS)
    shown.show(2, 8, times=1, now=3 * HALF_SECONDS)
    assert (shown.different, shown.category_of(1), shown.category_of(2)) == (1, None, 8)


def test_the_memory_of_posts_is_bounded() -> None:
    shown = ShownPosts(now=0.0, most_posts=10)
    for number in range(1000):
        shown.show(number, 1, times=1, now=1.0)
        assert shown.different <= 20
    assert shown.category_of(999) == 1
    assert shown.category_of(5) is None
