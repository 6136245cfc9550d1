"""What the gateway remembers of users and moods, and when it forgets."""

import asyncio
from dataclasses import dataclass, field

from gateway.context_cache import CachingContextEncoder, ContextCache, WatchingPostSearch
from gateway.feed_types import NO_WISH, FeedCategory, FeedContext, FeedRanking, FoundPosts, LogWish, Search

OLD, NEW = "ab" * 32, "cd" * 32


@dataclass
class FakeTower:
    """Counts what it is asked."""

    current: str = OLD
    has_mood_encoder: bool = True
    not_moods: tuple[str, ...] = ()
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    async def encode_context(
        self, username: str, mood: str, *, bundle_id: str, seconds: float, log: LogWish = NO_WISH
    ) -> FeedContext:
        self.asked.append((username, mood, bundle_id))
        bundle_id = bundle_id or self.current
        return FeedContext(
            user=("user", username, bundle_id),
            mood=("mood", mood, bundle_id) if mood and self.has_mood_encoder and mood not in self.not_moods else None,
            bundle_id=bundle_id,
            mood_unavailable=bool(mood) and not self.has_mood_encoder,
            mood_not_understood=mood in self.not_moods,
        )


@dataclass
class FakeIndex:
    """Answers from the bundle that it is asked for."""

    current: str = OLD

    async def search_posts(self, search: Search, *, seconds: float) -> FoundPosts:
        return FoundPosts((), False, FeedRanking.USER, search.context.bundle_id, self.current)

    async def list_categories(self, *, bundle_id: str = "", seconds: float) -> tuple[FeedCategory, ...]:
        return ()


def remembering(tower: FakeTower, index: FakeIndex, size: int = 100):
    cache = ContextCache(size)
    tower_of_cache, index_of_cache = CachingContextEncoder(tower, cache), WatchingPostSearch(index, cache)

    def ask(username: str, mood: str = "", bundle_id: str = "") -> str:
        async def feed() -> str:
            context = await tower_of_cache.encode_context(username, mood, bundle_id=bundle_id, seconds=1)
            await index_of_cache.search_posts(Search(context, None, (), 0, 10), seconds=1)
            return context.bundle_id

        return asyncio.run(feed())

    return ask


def test_a_user_who_comes_again_is_not_asked_for_again() -> None:
    tower = FakeTower()
    ask = remembering(tower, FakeIndex())
    for _ in range(3):
        ask("ana", "calm")
    assert tower.asked == [("ana", "calm", "")]


def test_another_mood_or_user_is_asked_for() -> None:
    tower = FakeTower()
    ask = remembering(tower, FakeIndex())
    for username, mood in (("ana", ""), ("ana", "calm"), ("bob", "calm")):
        ask(username, mood)
    assert tower.asked == [("ana", "", ""), ("ana", "calm", ""), ("bob", "calm", "")]


def test_a_user_and_a_mood_that_came_in_different_requests_need_not_be_asked_for_together() -> None:
    tower = FakeTower()
    cache = ContextCache(10)
    remembered = CachingContextEncoder(tower, cache)

    def ask(username: str, mood: str, bundle_id: str) -> FeedContext:
        return asyncio.run(remembered.encode_context(username, mood, bundle_id=bundle_id, seconds=1))

    ask("ana", "calm", OLD)
    ask("bob", "", OLD)
    assert ask("bob", "calm", OLD) == FeedContext(user=("user", "bob", OLD), mood=("mood", "calm", OLD), bundle_id=OLD)
    assert ask("ana", "", OLD) == FeedContext(user=("user", "ana", OLD), bundle_id=OLD)
    assert len(tower.asked) == 2
    ask("bob", "", NEW)
    assert ask("bob", "calm", NEW).mood == ("mood", "calm", NEW)  # that of the other bundle is of no use here
    assert len(tower.asked) == 4


def test_nothing_of_the_old_bundle_is_used_once_a_reply_named_the_new_one() -> None:
    tower, index = FakeTower(), FakeIndex()
    ask = remembering(tower, index)
    ask("ana")
    ask("bob")
    tower.current = index.current = NEW
    assert ask("ana") == OLD  # nobody has said so yet; the old bundle is whole, and still held
    assert [ask("ana"), ask("bob"), ask("bob")] == [NEW, NEW, NEW]
    assert tower.asked[2:] == [("ana", "", ""), ("bob", "", "")]


def test_a_page_of_the_old_bundle_goes_on_from_memory() -> None:
    tower, index = FakeTower(), FakeIndex()
    ask = remembering(tower, index)
    ask("ana")
    tower.current = index.current = NEW
    ask("ana")
    ask("ana")
    assert ask("ana", bundle_id=OLD) == OLD
    assert tower.asked == [("ana", "", ""), ("ana", "", "")]


def test_a_context_without_its_mood_is_not_remembered() -> None:
    tower = FakeTower(has_mood_encoder=False)
    ask = remembering(tower, FakeIndex())
    ask("ana", "calm")
    tower.has_mood_encoder = True
    ask("ana", "calm")
    ask("ana", "calm")
    assert len(tower.asked) == 2


def test_that_a_mood_says_nothing_is_remembered_and_is_no_fact_of_the_user() -> None:
    tower = FakeTower(not_moods=("12345",))
    cache: ContextCache[object] = ContextCache(10)
    encoder = CachingContextEncoder(tower, cache)

    def context(mood: str) -> FeedContext[object]:
        return asyncio.run(encoder.encode_context("ana", mood, bundle_id=OLD, seconds=1))

    for _ in range(2):
        assert (context("12345").mood, context("12345").mood_not_understood) == (None, True)
        assert (context("").mood, context("").mood_not_understood) == (None, False)
        assert not context("calm").mood_not_understood
    assert [mood for _, mood, _ in tower.asked] == ["12345", "calm"]


def test_no_more_than_its_size_is_remembered_and_the_least_used_goes_first() -> None:
    tower = FakeTower()
    ask = remembering(tower, FakeIndex(), size=2)
    for username in ("ana", "bob", "ana", "cleo", "ana", "bob"):
        ask(username)
    assert [username for username, *_ in tower.asked] == ["ana", "bob", "cleo", "bob"]
    tower.asked.clear()
    nothing = remembering(tower, FakeIndex(), size=0)
    nothing("ana")
    nothing("ana")
    assert len(tower.asked) == 2


def test_what_is_too_long_is_not_kept() -> None:
    tower = FakeTower()
    ask = remembering(tower, FakeIndex())
    ask("a" * 2_000)
    ask("a" * 2_000)
    assert len(tower.asked) == 2


def test_a_long_history_takes_the_room_of_several_users_and_one_beyond_all_room_is_not_kept() -> None:
    def context(seen: int) -> FeedContext:
        return FeedContext(user=("user",), seen_post_ids=range(seen), bundle_id=OLD)

    cache: ContextCache = ContextCache(10)
    for username in "abcdefghi":
        cache.keep(username, "", context(20))
    cache.keep("long", "", context(6_500))
    kept = [username for username in (*"abcdefghi", "long") if cache.find(username, "", OLD)]
    assert kept == ["g", "h", "i", "long"]
    cache.keep("too long", "", context(10_000))
    assert [cache.find(username, "", OLD) is not None for username in ("too long", "long")] == [False, True]


def test_a_person_who_is_forgotten_is_forgotten_in_every_bundle_also_in_one_that_comes_back() -> None:
    cache: ContextCache = ContextCache(100)
    bundles = [number * 2 * "0" + "1" for number in range(5)]
    for bundle_id in bundles:
        cache.keep("ana", "", FeedContext(user="ana", bundle_id=bundle_id))
        cache.keep("bob", "", FeedContext(user="bob", bundle_id=bundle_id))
    cache.forget("ana")
    assert [bundle_id for bundle_id in bundles if cache.find("ana", "", bundle_id)] == []
    assert [bundle_id for bundle_id in bundles if cache.find("bob", "", bundle_id)] == bundles[2:]
    cache.forget(None)
    assert not any(cache.find("bob", "", bundle_id) for bundle_id in bundles)
