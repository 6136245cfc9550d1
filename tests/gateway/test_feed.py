"""The feed function over fakes of its two ports."""

import asyncio
from dataclasses import dataclass, field

import pytest

from gateway import page_token
from gateway.feed import get_feed
from gateway.feed_types import (
    NO_WISH,
    BlankUsernameError,
    BundleNotHeldError,
    CategoryNotFoundError,
    Degradation,
    DependencyUnavailableError,
    Feed,
    FeedCategory,
    FeedContext,
    FeedError,
    FeedRanking,
    FeedRequest,
    FoundPosts,
    InvalidPageTokenError,
    LogWish,
    Search,
    UserNotFoundError,
)
from rpc import wall_clock

BUNDLE = "ab" * 32
OTHER_BUNDLE = "cd" * 32
CATEGORY = 7


def embedding(kind: int, bundle_id: str = BUNDLE) -> tuple[int, str]:
    return kind, bundle_id


def ids_of(page: Feed) -> list[int]:
    """The feed passes posts on as they are: here they are their numbers in figures."""
    return [int(post) for post in page.posts]


@dataclass
class FakeTower:
    """Knows one user, ana, who has seen post 3; holds the bundles of ``held``, the current one first."""

    held: tuple[str, ...] = (BUNDLE,)
    is_down: bool = False
    has_mood_encoder: bool = True
    not_moods: tuple[str, ...] = ()
    asked: list[tuple[str, str]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    async def encode_context(
        self, username: str, mood: str, *, bundle_id: str, seconds: float, log: LogWish = NO_WISH
    ) -> FeedContext:
        self.asked.append((username, mood))
        self.seconds.append(seconds)
        if self.is_down:
            raise DependencyUnavailableError("user_tower_service is unavailable")
        bundle_id = name_of_held(self.held, bundle_id)
        is_known, is_moody = username == "ana", bool(mood) and mood not in self.not_moods
        return FeedContext(
            user=embedding(1, bundle_id) if is_known else None,
            mood=embedding(2, bundle_id) if is_moody and self.has_mood_encoder else None,
            seen_post_ids=(3,) if is_known else (),
            bundle_id=bundle_id,
            mood_unavailable=is_moody and not self.has_mood_encoder,
            mood_not_understood=mood in self.not_moods,
        )


def name_of_held(held: tuple[str, ...], bundle_id: str) -> str:
    if bundle_id and bundle_id not in held:
        raise BundleNotHeldError(f"{bundle_id} is not held", bundle_id=bundle_id, current_bundle_id=held[0])
    return bundle_id or held[0]


@dataclass
class FakeIndex:
    """Holds 25 posts of one category, in each of the bundles of ``held``."""

    held: tuple[str, ...] = (BUNDLE,)
    searches: list[Search] = field(default_factory=list)
    is_approximate: bool = False

    async def search_posts(self, search: Search, *, seconds: float) -> FoundPosts:
        context = search.context
        bundle_id = name_of_held(self.held, context.bundle_id)
        if search.category_id not in {None, CATEGORY}:
            raise CategoryNotFoundError
        self.searches.append(search)
        ids = [number for number in range(25) if number not in search.exclude_post_ids]
        chosen = ids[search.offset : search.offset + search.limit]
        return FoundPosts(
            posts=tuple(b"%d" % number for number in chosen),
            has_more=search.offset + search.limit < len(ids),
            ranking=FeedRanking.USER if context.user else FeedRanking.MOOD if context.mood else FeedRanking.POPULAR,
            bundle_id=bundle_id,
            current_bundle_id=self.held[0],
            is_approximate=self.is_approximate,
        )

    async def list_categories(self, *, bundle_id: str = "", seconds: float) -> tuple[FeedCategory, ...]:
        name_of_held(self.held, bundle_id)
        return (FeedCategory(CATEGORY, "seven", 25),)


class FakeClock:
    def seconds_left(self) -> float:
        return 1.0


def ask(index: FakeIndex | None = None, tower: FakeTower | None = None, **fields: object) -> Feed:
    request = FeedRequest(**({"username": "ana"} | fields))
    return asyncio.run(get_feed(request, encoder=tower or FakeTower(), index=index or FakeIndex(), clock=FakeClock()))


def all_pages(index: FakeIndex, **fields: object) -> list[int]:
    found: list[int] = []
    token = ""
    while True:
        page = ask(index, page_token=token, **fields)
        found += ids_of(page)
        token = page.next_page_token
        if not token:
            return found


@pytest.mark.parametrize("page_size", [0, 1, 7, 25, 100])
def test_pages_follow_each_other_to_the_end(page_size: int) -> None:
    assert all_pages(FakeIndex(), page_size=page_size) == list(range(25))


def test_no_page_asks_for_explored_posts_unless_a_share_is_set() -> None:
    index = FakeIndex()
    all_pages(index, page_size=10)
    assert [search.exploration_share for search in index.searches] == [0.0, 0.0, 0.0]


def test_the_page_size_may_change_between_pages() -> None:
    first = ask(page_size=3)
    second = ask(page_size=5, page_token=first.next_page_token)
    assert ids_of(second) == [3, 4, 5, 6, 7]


def test_what_the_tower_says_reaches_the_index_untouched() -> None:
    index = FakeIndex()
    ask(index, mood="calm", category_id=CATEGORY, exclude_post_ids=(1, 2), exclude_external_ids=("x",))
    search = index.searches[0]
    assert search.context == FeedContext(embedding(1), embedding(2), (3,), BUNDLE)
    assert (search.category_id, search.exclude_post_ids, search.offset, search.limit) == (CATEGORY, (1, 2), 0, 10)
    assert search.exclude_external_ids == ("x",)


@pytest.mark.parametrize(("mood", "asked"), [(" calm\n", "calm"), (" \t\u3000", ""), ("\u200b", "\u200b")])
def test_the_tower_gets_the_mood_without_the_white_space_around_it(mood: str, asked: str) -> None:
    tower = FakeTower()
    ask(tower=tower, mood=mood)
    assert tower.asked == [("ana", asked)]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"username": " ", "category_id": 99}, BlankUsernameError),
        ({"username": "bob", "category_id": 99}, CategoryNotFoundError),
        ({"username": "bob", "category_id": 99, "mood": "calm"}, CategoryNotFoundError),
        ({"username": "bob", "category_id": CATEGORY}, UserNotFoundError),
        ({"username": "bob", "mood": "calm"}, UserNotFoundError),
        ({"username": "bob", "mood": " ", "category_id": CATEGORY}, UserNotFoundError),
        ({"username": "bob"}, UserNotFoundError),
        ({"username": "ana", "category_id": 99}, CategoryNotFoundError),
    ],
)
def test_checks_run_in_the_order_malformed_category_user(fields: dict[str, object], error: type[FeedError]) -> None:
    with pytest.raises(error):
        ask(**fields)


def test_a_malformed_request_reaches_no_service() -> None:
    tower = FakeTower()
    with pytest.raises(BlankUsernameError):
        ask(tower=tower, username="")
    assert tower.asked == []


def test_a_page_of_the_bundle_before_goes_on_while_it_is_held() -> None:
    old = {"tower": FakeTower(held=(OTHER_BUNDLE,)), "index": FakeIndex(held=(OTHER_BUNDLE,))}
    token = ask(**old).next_page_token
    both = {"tower": FakeTower(held=(BUNDLE, OTHER_BUNDLE)), "index": FakeIndex(held=(BUNDLE, OTHER_BUNDLE))}
    second = ask(page_token=token, **both)
    assert (second.bundle_id, ids_of(second)) == (OTHER_BUNDLE, list(range(10, 20)))
    with pytest.raises(InvalidPageTokenError, match="no longer held"):
        ask(page_token=token)


@pytest.mark.parametrize(
    ("tower", "index", "answers"),
    [
        ((OTHER_BUNDLE, BUNDLE), (BUNDLE,), BUNDLE),
        ((BUNDLE,), (OTHER_BUNDLE, BUNDLE), BUNDLE),
        ((OTHER_BUNDLE, BUNDLE), (OTHER_BUNDLE, BUNDLE), OTHER_BUNDLE),
    ],
)
def test_a_feed_is_of_one_bundle_whichever_service_is_a_step_ahead(
    tower: tuple[str, ...], index: tuple[str, ...], answers: str
) -> None:
    fake = FakeIndex(held=index)
    feed = ask(fake, FakeTower(held=tower), mood="calm")
    context = fake.searches[-1].context
    assert {feed.bundle_id, context.user[1], context.mood[1]} == {answers}


def test_the_category_is_checked_in_the_bundle_that_does_not_know_the_user() -> None:
    with pytest.raises(CategoryNotFoundError):
        ask(FakeIndex(held=(OTHER_BUNDLE, BUNDLE)), FakeTower(), username="bob", category_id=99)


def test_services_without_a_bundle_in_common_give_no_feed() -> None:
    with pytest.raises(BundleNotHeldError):
        ask(FakeIndex(held=(OTHER_BUNDLE,)))


@pytest.mark.parametrize("category_id", [None, CATEGORY])
@pytest.mark.parametrize("username", ["ana", "bob"])
def test_without_the_user_tower_everybody_gets_what_is_popular(username: str, category_id: int | None) -> None:
    feed = ask(tower=FakeTower(is_down=True), username=username, category_id=category_id, mood="calm")
    assert (feed.ranking, len(feed.posts)) == (FeedRanking.POPULAR, 10)
    assert feed.degradations == (Degradation("user", "USER_TOWER_UNAVAILABLE"),)


def test_without_the_user_tower_an_invalid_category_stays_one() -> None:
    with pytest.raises(CategoryNotFoundError):
        ask(tower=FakeTower(is_down=True), category_id=99)


def test_without_the_mood_encoder_a_known_user_gets_a_feed_of_their_own() -> None:
    feed = ask(tower=FakeTower(has_mood_encoder=False), mood="calm")
    assert (feed.ranking, feed.degradations) == (FeedRanking.USER, (Degradation("mood", "MOOD_UNAVAILABLE"),))


def test_without_the_mood_encoder_an_unknown_user_gets_what_is_popular_in_the_category() -> None:
    tower = FakeTower(has_mood_encoder=False)
    feed = ask(tower=tower, username="bob", category_id=CATEGORY, mood="calm")
    assert (feed.ranking, feed.degradations) == (FeedRanking.POPULAR, (Degradation("mood", "MOOD_UNAVAILABLE"),))
    with pytest.raises(UserNotFoundError):
        ask(tower=tower, username="bob", mood="calm")


@pytest.mark.parametrize(("username", "ranking"), [("ana", FeedRanking.USER), ("bob", FeedRanking.POPULAR)])
def test_a_text_that_says_nothing_about_a_mood_gives_the_feed_without_one_and_says_so(
    username: str, ranking: FeedRanking
) -> None:
    tower = FakeTower(not_moods=("12345",))
    feed = ask(tower=tower, username=username, category_id=CATEGORY, mood="12345", strict=True)
    assert (feed.ranking, feed.degradations, feed.mood_understood) == (ranking, (), False)
    assert ids_of(feed) == ids_of(ask(username="ana", category_id=CATEGORY))


def test_a_feed_says_whether_its_mood_was_understood_if_it_has_one_that_could_be_read() -> None:
    assert ask(mood="calm").mood_understood is True
    assert ask().mood_understood is None
    assert ask(tower=FakeTower(has_mood_encoder=False), mood="calm").mood_understood is None
    assert ask(tower=FakeTower(is_down=True), mood="calm").mood_understood is None


def test_a_feed_says_if_its_index_may_have_missed_posts() -> None:
    assert ask(index=FakeIndex(is_approximate=True), strict=True).is_approximate
    assert not ask().is_approximate


@pytest.mark.parametrize("tower", [FakeTower(is_down=True), FakeTower(has_mood_encoder=False)])
def test_strict_prefers_no_feed_to_a_degraded_one(tower: FakeTower) -> None:
    with pytest.raises(DependencyUnavailableError):
        ask(tower=tower, mood="calm", strict=True)


@pytest.mark.parametrize("broken", [FakeTower(is_down=True), FakeTower(has_mood_encoder=False)])
def test_the_pages_of_a_degraded_feed_stay_in_its_ranking_when_all_is_well_again(broken: FakeTower) -> None:
    index = FakeIndex()
    first = ask(index, broken, mood="calm")
    second = ask(index, FakeTower(), mood="calm", page_token=first.next_page_token)
    assert (second.ranking, second.degradations) == (first.ranking, first.degradations)
    assert ids_of(second) == list(range(10, 20))
    with pytest.raises(DependencyUnavailableError):
        ask(index, FakeTower(), mood="calm", page_token=first.next_page_token, strict=True)


@pytest.mark.parametrize("broken", [FakeTower(is_down=True), FakeTower(has_mood_encoder=False)])
def test_a_page_in_the_middle_is_never_from_another_ranking(broken: FakeTower) -> None:
    token = ask(mood="calm").next_page_token
    with pytest.raises(DependencyUnavailableError):
        ask(tower=broken, mood="calm", page_token=token)


def test_a_slow_tower_leaves_time_for_a_feed_without_it() -> None:
    tower = FakeTower()
    ask(tower=tower)
    ask(tower=tower, strict=True)
    assert tower.seconds == [pytest.approx(0.6), 1.0]


@pytest.mark.parametrize("position", range(0, 90, 7))
def test_a_page_token_with_one_altered_character_is_refused(position: int) -> None:
    token = ask().next_page_token
    position %= len(token)
    altered = token[:position] + ("A" if token[position] != "A" else "B") + token[position + 1 :]
    with pytest.raises(InvalidPageTokenError):
        ask(page_token=altered)


@pytest.mark.parametrize("offset", [2**31 - 1, 2**31, 2**32 - 1])
def test_a_page_token_that_somebody_made_themselves_does_no_harm(offset: int) -> None:
    index = FakeIndex()
    token = page_token.write(
        page_token.PageToken(BUNDLE, page_token.digest("ana", None, "", ()), offset, issued_at_ms=wall_clock.now_ms())
    )
    if offset < 2**31:
        assert ask(index, page_token=token).posts == ()
    else:  # no search takes such an offset
        with pytest.raises(InvalidPageTokenError):
            ask(index, page_token=token)
        assert index.searches == []


def test_requests_that_differ_only_in_where_a_text_ends_have_different_tokens() -> None:
    token = ask(username="ana", mood="x").next_page_token
    with pytest.raises(InvalidPageTokenError):
        ask(username="ana", mood="x1", page_token=token)


def test_another_bundle_than_the_required_one_is_refused_with_both_named() -> None:
    with pytest.raises(BundleNotHeldError) as caught:
        ask(required_bundle_id=OTHER_BUNDLE)
    assert caught.value.metadata == {"bundle_id": OTHER_BUNDLE, "current_bundle_id": BUNDLE}


def test_the_required_bundle_answers_while_it_is_held() -> None:
    held = (BUNDLE, OTHER_BUNDLE)
    assert ask(FakeIndex(held=held), FakeTower(held=held), required_bundle_id=OTHER_BUNDLE).bundle_id == OTHER_BUNDLE
    token = ask().next_page_token
    with pytest.raises(InvalidPageTokenError, match="required_bundle_id"):
        ask(page_token=token, required_bundle_id=OTHER_BUNDLE)
