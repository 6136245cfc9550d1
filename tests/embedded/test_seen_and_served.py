"""Posts that were seen or shown, through two towers over one store: no post comes again before the feed is exhausted.

The bundle is tiny: posts 10 to 50, of which 20 and 30 are of category 2, and 10 and 50 of category 7.
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bundle.directory import current_bundle, point_current_at, write_bundle
from bundle.held_bundles import HeldBundles
from compute.bundle_admin import LoggedBundles
from embedded.coroutines import run_at_once
from embedded.ports import LocalContextEncoder, LocalPostSearch, Models
from embedded.served_memory import LocalServedMemory
from gateway.feed import get_feed
from gateway.feed_messages import post_id_of
from gateway.feed_types import Feed, FeedRequest, InvalidPageTokenError, Seen, UserNotFoundError
from gateway.feedback_types import NoStoreError, StoreUnavailableError
from gateway.token_life import TokenLife
from post_index_service.loading import load as load_index
from store.errors import StoreUnavailableError as StoreDownError
from store.interactions import NewInteraction, Verb
from store.sql_store import open_store
from tests.tiny_bundle import MANIFEST, tiny_files, write_servable_tiny_bundle
from user_tower_service.encoder import Encoder
from user_tower_service.live_log import LiveLog
from user_tower_service.people_store import PeopleStore

NOW_MS = 1_790_000_000_000
HOUR_MS = 3_600_000
POSTS = frozenset({10, 20, 30, 40, 50})
OF_CATEGORY = {None: POSTS, 2: frozenset({20, 30}), 7: frozenset({10, 50})}


Pages = dict[int, list[int]]


class AMinute:
    def seconds_left(self) -> float:
        return 60.0


@dataclass
class Tower:
    """A gateway with a tower and an index of its own, over the store that it shares with another one."""

    encoder: LocalContextEncoder
    index: LocalPostSearch
    memory: LocalServedMemory
    people: PeopleStore
    held: HeldBundles[Models]

    def feed(self, username: str, **fields: object) -> Feed:
        asked = get_feed(
            FeedRequest(username, **fields),
            encoder=self.encoder,
            index=self.index,
            clock=AMinute(),
            memory=self.memory,
            tokens=TokenLife(),
        )
        return run_at_once(asked)

    def ids(self, username: str, **fields: object) -> list[int]:
        return ids_of(self.feed(username, **fields))

    def did(self, username: str, verb: Verb, post_id: int, number: int = 0) -> int:
        event_id = f"{username} {verb} {post_id} {number}"
        row = NewInteraction(event_id=event_id, username=username, occurred_at_ms=NOW_MS, verb=verb, post_id=post_id)
        return self.people.record([row]).position


def ids_of(feed: Feed) -> list[int]:
    return [post_id_of(post) for post in feed.posts]


@dataclass
class Clock:
    ms: int = NOW_MS


@contextmanager
def two_towers(directory: Path, *, clock: Clock | None = None, has_store: bool = True) -> Iterator[tuple[Tower, Tower]]:
    bundles = directory / "bundles"
    write_servable_tiny_bundle(bundles)
    url = f"sqlite:///{directory}/store.sqlite"
    with ExitStack() as stack:

        def tower() -> Tower:
            live = None
            if has_store:
                live = LiveLog(lambda: open_store(url), **({"now_ms": lambda: clock.ms} if clock else {}))
                stack.enter_context(live.followed())
            held = HeldBundles(
                bundles,
                lambda bundle: Models(Encoder(bundle, live=live, live_cache_size=100), load_index(bundle)),
                listener=LoggedBundles(),
            )
            people = PeopleStore(live)
            return Tower(
                LocalContextEncoder(held, people), LocalPostSearch(held), LocalServedMemory(people), people, held
            )

        yield tower(), tower()


@pytest.fixture
def towers(tmp_path: Path) -> Iterator[tuple[Tower, Tower]]:
    with two_towers(tmp_path) as towers:
        yield towers


def test_what_was_shown_does_not_come_again_through_any_tower_until_nothing_else_is_left(
    towers: tuple[Tower, Tower],
) -> None:
    found: list[int] = []
    for number in range(3):
        feed = towers[number % 2].feed("ana", page_size=2, remember_served=True)
        assert not feed.exhausted
        found += ids_of(feed)
    assert sorted(found) == sorted(POSTS)  # the last page has the one post that was left
    again = [ids_of(feed) for feed in exhausted_feeds(towers, "ana", count=3)]
    assert [set(page) for page in again] == [set(found[:2]), set(found[2:4]), {found[4], again[0][0]}]


def exhausted_feeds(towers: tuple[Tower, Tower], username: str, *, count: int) -> list[Feed]:
    """So many pages of two posts, through the towers in turn; each says that the feed is exhausted."""
    feeds = [towers[number % 2].feed(username, page_size=2, remember_served=True) for number in range(count)]
    assert all(feed.exhausted for feed in feeds)
    return feeds


def test_pages_of_a_feed_that_starts_again_are_exact_too(towers: tuple[Tower, Tower]) -> None:
    here, there = towers
    shown = [*here.ids("ana", page_size=3, remember_served=True), *here.ids("ana", page_size=3, remember_served=True)]
    pages, token = [], ""
    while token or not pages:
        page = (here, there)[len(pages) % 2].feed("ana", page_size=2, remember_served=True, page_token=token)
        assert page.exhausted
        pages.append(ids_of(page))
        token = page.next_page_token
    assert [set(page) for page in pages] == [set(shown[:2]), set(shown[2:4]), set(shown[4:])]


def test_of_a_category_what_was_shown_in_another_feed_does_not_come_either(towers: tuple[Tower, Tower]) -> None:
    here, there = towers
    first = set(here.ids("ana", page_size=4, remember_served=True))
    feed = there.feed("ana", category_id=2, remember_served=True)
    if OF_CATEGORY[2] <= first:
        assert (feed.exhausted, set(ids_of(feed))) == (True, OF_CATEGORY[2])
    else:
        assert (feed.exhausted, set(ids_of(feed))) == (False, OF_CATEGORY[2] - first)
    again = there.feed("ana", category_id=2, page_size=1, remember_served=True)
    assert again.exhausted
    assert again.next_page_token  # the other post of the category
    rest = here.feed("ana", category_id=2, page_size=1, remember_served=True, page_token=again.next_page_token)
    assert {*ids_of(again), *ids_of(rest)} == OF_CATEGORY[2]
    assert rest.exhausted
    assert not rest.next_page_token


def test_seen_posts_come_last_or_not_at_all(towers: tuple[Tower, Tower]) -> None:
    here, _ = towers
    assert here.ids("ana")[-2:] != []
    assert set(here.ids("ana")[-2:]) == {10, 20}  # of the history in the bundle
    left_out = here.feed("ana", seen=Seen.EXCLUDED)
    assert (set(ids_of(left_out)), left_out.exhausted) == ({30, 40, 50}, False)
    for post_id in (30, 40, 50):
        here.did("ana", Verb.VIEW, post_id)
    nothing = here.feed("ana", seen=Seen.EXCLUDED)
    assert (ids_of(nothing), nothing.exhausted, nothing.next_page_token) == ([], True, "")
    assert not here.feed("ana").exhausted
    assert set(here.ids("ana")) == POSTS


def test_without_the_options_what_was_remembered_counts_as_seen(towers: tuple[Tower, Tower]) -> None:
    here, there = towers
    shown = here.ids("béla", page_size=2, remember_served=True)
    position = here.feed("béla").position
    for tower in towers:
        assert set(tower.ids("béla", at_least_position=position)[-2:]) == set(shown)
        assert set(tower.ids("béla", at_least_position=position, seen=Seen.EXCLUDED)) == POSTS - set(shown)
    assert there.ids("😀")[-1] == 50  # nobody else's feed changes


def test_with_both_options_the_feed_starts_again_with_what_was_shown_and_not_seen(towers: tuple[Tower, Tower]) -> None:
    here, _ = towers
    asked = {"seen": Seen.EXCLUDED, "remember_served": True}
    assert set(here.ids("ana", **asked)) == {30, 40, 50}
    here.did("ana", Verb.LIKE, 40)
    again = here.feed("ana", **asked)
    assert (set(ids_of(again)), again.exhausted) == ({30, 50}, True)
    for post_id in (30, 50):
        here.did("ana", Verb.LIKE, post_id)
    nothing = here.feed("ana", **asked)
    assert (ids_of(nothing), nothing.exhausted) == ([], True)


def test_a_stranger_has_remembered_posts_and_stays_unknown(towers: tuple[Tower, Tower]) -> None:
    here, there = towers
    asked = {"mood": "calm", "category_id": 2, "page_size": 1, "remember_served": True}
    assert [here.ids("stranger", **asked), there.ids("stranger", **asked)] in ([[20], [30]], [[30], [20]])
    with pytest.raises(UserNotFoundError):
        here.feed("stranger")
    with pytest.raises(UserNotFoundError):
        there.feed("stranger", remember_served=True)


def test_a_deleted_person_has_no_remembered_posts_and_a_merged_one_has_those_of_both(
    towers: tuple[Tower, Tower],
) -> None:
    here, there = towers
    asked = {"mood": "calm", "category_id": 2, "page_size": 1, "remember_served": True}
    (first,) = here.ids("visitor", **asked)
    here.people.merge_people("visitor", into="member")
    (second,) = there.ids("member", **asked)
    assert {first, second} == OF_CATEGORY[2]
    export = there.people.export_person("member")
    assert export is not None
    assert [page.post_ids for page in export.served] == [(first,), (second,)]
    assert there.feed("member", **asked).exhausted
    position = there.people.delete_person("member")
    assert here.people._needed().reach(position, seconds=10)
    assert not here.feed("member", **asked).exhausted
    assert not here.feed("visitor", **asked).exhausted


def test_what_was_shown_longer_ago_than_is_remembered_comes_again(tmp_path: Path) -> None:
    clock = Clock()
    with two_towers(tmp_path, clock=clock) as (here, there):
        first = here.ids("ana", page_size=2, remember_served=True)
        clock.ms += 12 * HOUR_MS
        assert not set(first) & set(there.ids("ana", page_size=2, remember_served=True))
        clock.ms += 12 * HOUR_MS + 1
        assert here.ids("ana", page_size=2, remember_served=True) == first


def test_pages_stay_exact_while_what_was_shown_is_forgotten(tmp_path: Path) -> None:
    clock = Clock()
    with two_towers(tmp_path, clock=clock) as (here, there):
        old = here.ids("ana", page_size=1, remember_served=True)
        clock.ms += 24 * HOUR_MS
        page = there.feed("ana", page_size=1, remember_served=True)
        clock.ms += 1
        found = ids_of(page)
        while page.next_page_token:
            page = here.feed("ana", page_size=1, remember_served=True, page_token=page.next_page_token)
            found += ids_of(page)
        assert sorted(found) == sorted(POSTS - set(old))


def test_of_two_gateways_that_ask_at_the_same_moment_none_shows_what_the_other_shows(
    towers: tuple[Tower, Tower],
) -> None:
    for number in range(20):
        username = f"twice {number}"
        position = towers[0].did(username, Verb.VIEW, 10)
        assert towers[1].people._needed().reach(position, seconds=10)
        barrier = threading.Barrier(2)
        pages: Pages = {}

        def ask(
            which: int, username: str = username, barrier: threading.Barrier = barrier, pages: Pages = pages
        ) -> None:
            barrier.wait()
            pages[which] = towers[which].ids(username, page_size=2, remember_served=True)

        threads = [threading.Thread(target=ask, args=(which,)) for which in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({*pages[0], *pages[1]}) == 4


def test_a_page_that_is_asked_for_again_is_the_same_page(towers: tuple[Tower, Tower]) -> None:
    first = towers[0].feed("ana", page_size=2, remember_served=True)
    asked = {"page_size": 2, "remember_served": True, "page_token": first.next_page_token}
    assert towers[0].ids("ana", **asked) == towers[1].ids("ana", **asked)


def test_of_the_pages_to_come_what_another_feed_has_shown_meanwhile_leaves(towers: tuple[Tower, Tower]) -> None:
    here, there = towers
    first = here.feed("ana", page_size=2, remember_served=True)
    meanwhile = there.ids("ana", page_size=2, remember_served=True)
    second = here.ids("ana", page_size=2, remember_served=True, page_token=first.next_page_token)
    assert len(meanwhile) == 2
    assert not {*ids_of(first), *meanwhile} & set(second)


@pytest.mark.parametrize("change", [{"remember_served": False}, {"seen": Seen.EXCLUDED}])
def test_a_page_token_belongs_to_the_options_of_its_first_page(
    towers: tuple[Tower, Tower], change: dict[str, object]
) -> None:
    first = towers[0].feed("ana", page_size=2, remember_served=True)
    with pytest.raises(InvalidPageTokenError):
        towers[0].feed("ana", **{"remember_served": True} | change, page_token=first.next_page_token)


def test_without_a_store_nothing_is_remembered_and_that_is_said(tmp_path: Path) -> None:
    with two_towers(tmp_path, has_store=False) as (tower, _):
        with pytest.raises(NoStoreError):
            tower.feed("ana", remember_served=True)
        assert set(tower.ids("ana", seen=Seen.EXCLUDED)) == {30, 40, 50}


def test_while_the_store_is_down_only_who_asks_to_remember_is_refused(
    towers: tuple[Tower, Tower], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, _ = towers

    def is_down(*_: object, **__: object) -> None:
        raise StoreDownError("the store does not answer")

    store = here.people._needed().store
    monkeypatch.setattr(store, "claim_served", is_down)
    with pytest.raises(StoreUnavailableError):
        here.feed("ana", remember_served=True)
    assert set(here.ids("ana", seen=Seen.EXCLUDED)) == {30, 40, 50}
    assert set(here.ids("ana")) == POSTS


@dataclass
class Chain:
    """A feed of several pages, and what it has shown."""

    fields: dict[str, object]
    token: str
    shown: list[int]
    bundle_id: str


@dataclass
class Model:
    """What one person was shown and asked to have remembered, what they have met, and what does not interest them."""

    remembered: set[int] = field(default_factory=set)
    met: set[int] = field(default_factory=set)
    hidden: set[int] = field(default_factory=set)
    chains: list[Chain] = field(default_factory=list)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_whatever_is_asked_and_done_in_turn_no_post_comes_again_too_early(data: st.DataObject) -> None:
    with TemporaryDirectory() as name, two_towers(Path(name)) as towers:
        people = {"ana": Model(met={10, 20}), "stranger": Model()}
        write_another_bundle(Path(name) / "bundles")
        for number in range(data.draw(st.integers(3, 14), label="steps")):
            username = data.draw(st.sampled_from(sorted(people)), label="who")
            tower = towers[data.draw(st.integers(0, 1), label="tower")]
            match data.draw(st.sampled_from(["feed", "feed", "feed", "page", "page", "did", "delete", "swap"])):
                case "feed":
                    ask_for_feed(data, tower, username, people[username])
                case "page" if people[username].chains:
                    ask_for_page(data, tower, username, people[username])
                case "did":
                    verb = data.draw(st.sampled_from([Verb.VIEW, Verb.LIKE, Verb.NOT_INTERESTED]))
                    post_id = data.draw(st.sampled_from(sorted(POSTS)))
                    position = tower.did(username, verb, post_id, number)
                    assert all(each.people._needed().reach(position, seconds=10) for each in towers)
                    people[username].met.add(post_id)
                    if verb is Verb.NOT_INTERESTED:
                        people[username].hidden.add(post_id)
                    elif verb is Verb.LIKE:
                        people[username].hidden.discard(post_id)
                case "delete":
                    position = tower.people.delete_person(username)
                    assert all(each.people._needed().reach(position, seconds=10) for each in towers)
                    people[username] = Model()
                case "swap":
                    swap(Path(name) / "bundles", towers)


def ask_for_feed(data: st.DataObject, tower: Tower, username: str, model: Model) -> None:
    fields: dict[str, object] = {
        "seen": data.draw(st.sampled_from(Seen)),
        "remember_served": data.draw(st.booleans()),
        "page_size": data.draw(st.integers(1, 3)),
        "category_id": data.draw(st.sampled_from([2, 7])),
        "mood": "calm",
    }
    feed = tower.feed(username, **fields)
    check(feed, fields, model, earlier=())
    if feed.next_page_token:
        model.chains.append(Chain(fields, feed.next_page_token, ids_of(feed), feed.bundle_id))


def ask_for_page(data: st.DataObject, tower: Tower, username: str, model: Model) -> None:
    chain = model.chains.pop(data.draw(st.integers(0, len(model.chains) - 1)))
    held = {tower.held.state.current_bundle_id, tower.held.state.previous_bundle_id}
    if chain.bundle_id not in held:
        return
    feed = tower.feed(username, **chain.fields, page_token=chain.token)
    check(feed, chain.fields, model, earlier=chain.shown)
    if feed.next_page_token:
        model.chains.append(Chain(chain.fields, feed.next_page_token, [*chain.shown, *ids_of(feed)], chain.bundle_id))


def check(feed: Feed, fields: dict[str, object], model: Model, *, earlier: list[int] | tuple[int, ...]) -> None:
    """What must hold of each answer, and what the model learns from it."""
    posts, in_category = ids_of(feed), OF_CATEGORY[fields["category_id"]]
    assert len(posts) == len(set(posts))
    assert not set(posts) & set(earlier)
    assert not set(posts) & model.hidden
    if feed.exhausted and not earlier:
        left = in_category - model.hidden - model.remembered
        assert not (left - model.met if fields["seen"] is Seen.EXCLUDED else left)
    if fields["remember_served"]:
        assert feed.exhausted or not set(posts) & model.remembered
        model.remembered |= set(posts)
    elif fields["seen"] is Seen.LAST:
        assert not feed.exhausted


def write_another_bundle(bundles: Path) -> None:
    """The same posts and people with other embeddings."""
    write_bundle(bundles, replace(MANIFEST, canaries=()), write_files=tiny_files(1), sidecar={})


def swap(bundles: Path, towers: tuple[Tower, Tower]) -> None:
    names = {path.parent.name for path in bundles.glob("*/manifest.json")} - {"current", "previous"}
    (other,) = names - {current_bundle(bundles).name}
    point_current_at(bundles, other)
    for tower in towers:
        tower.held.look()
