"""The feed function over fakes of its two ports."""

import asyncio
from dataclasses import dataclass, field

import pytest

from gateway.feed import (
    BlankUsernameError,
    BundleNotHeldError,
    Category,
    CategoryNotFoundError,
    Context,
    Embedding,
    Feed,
    FeedError,
    FeedRequest,
    InvalidPageTokenError,
    Post,
    Ranking,
    Search,
    SearchResult,
    UserNotFoundError,
    get_feed,
)

BUNDLE = "ab" * 32
OTHER_BUNDLE = "cd" * 32
CATEGORY = 7


def embedding(kind: int) -> Embedding:
    return Embedding(BUNDLE, kind, 1, b"\0\0\x80\x3f")


@dataclass
class FakeTower:
    """Knows one user, ana, who has seen post 3."""

    asked: list[tuple[str, str]] = field(default_factory=list)

    async def encode_context(self, username: str, mood: str, *, seconds: float) -> Context:
        self.asked.append((username, mood))
        is_known = username == "ana"
        return Context(
            user=embedding(1) if is_known else None,
            mood=embedding(2) if mood.strip() else None,
            seen_post_ids=(3,) if is_known else (),
        )


@dataclass
class FakeIndex:
    """Holds 25 posts of one category."""

    bundle_id: str = BUNDLE
    searches: list[Search] = field(default_factory=list)

    async def search_posts(self, search: Search, *, seconds: float) -> SearchResult:
        if search.category_id not in {None, CATEGORY}:
            raise CategoryNotFoundError
        self.searches.append(search)
        ids = [number for number in range(25) if number not in search.exclude_post_ids]
        chosen = ids[search.offset : search.offset + search.limit]
        return SearchResult(
            posts=tuple(Post(number, "", "", "", CATEGORY, "", 0.5) for number in chosen),
            has_more=search.offset + search.limit < len(ids),
            ranking=Ranking.USER,
            bundle_id=self.bundle_id,
        )

    async def list_categories(self, *, seconds: float) -> tuple[Category, ...]:
        return (Category(CATEGORY, "seven", 25),)


class FakeClock:
    def seconds_left(self) -> float:
        return 1.0


def ask(index: FakeIndex | None = None, tower: FakeTower | None = None, **fields: object) -> Feed:
    request = FeedRequest(**({"username": "ana"} | fields))
    return asyncio.run(get_feed(request, tower=tower or FakeTower(), index=index or FakeIndex(), clock=FakeClock()))


def all_pages(index: FakeIndex, **fields: object) -> list[int]:
    found: list[int] = []
    token = ""
    while True:
        page = ask(index, page_token=token, **fields)
        found += [post.post_id for post in page.posts]
        token = page.next_page_token
        if not token:
            return found


@pytest.mark.parametrize("page_size", [0, 1, 7, 25, 100])
def test_pages_follow_each_other_to_the_end(page_size: int) -> None:
    assert all_pages(FakeIndex(), page_size=page_size) == list(range(25))


def test_the_page_size_may_change_between_pages() -> None:
    first = ask(page_size=3)
    second = ask(page_size=5, page_token=first.next_page_token)
    assert [post.post_id for post in second.posts] == [3, 4, 5, 6, 7]


def test_what_the_tower_says_reaches_the_index_untouched() -> None:
    index = FakeIndex()
    ask(index, mood="calm", category_id=CATEGORY, exclude_post_ids=(1, 2))
    search = index.searches[0]
    assert search.context == Context(embedding(1), embedding(2), (3,))
    assert (search.category_id, search.exclude_post_ids, search.offset, search.limit) == (CATEGORY, (1, 2), 0, 10)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"username": " ", "category_id": 99}, BlankUsernameError),
        ({"username": "bob", "category_id": 99}, CategoryNotFoundError),
        ({"username": "bob", "category_id": 99, "mood": "calm"}, CategoryNotFoundError),
        ({"username": "bob", "category_id": CATEGORY}, UserNotFoundError),
        ({"username": "bob", "mood": "calm"}, UserNotFoundError),
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


def test_a_page_token_of_the_bundle_before_is_refused() -> None:
    token = ask(FakeIndex(bundle_id=OTHER_BUNDLE)).next_page_token
    with pytest.raises(InvalidPageTokenError, match="another bundle"):
        ask(page_token=token)


@pytest.mark.parametrize("position", range(0, 90, 7))
def test_a_page_token_with_one_altered_character_is_refused(position: int) -> None:
    token = ask().next_page_token
    position %= len(token)
    altered = token[:position] + ("A" if token[position] != "A" else "B") + token[position + 1 :]
    with pytest.raises(InvalidPageTokenError):
        ask(page_token=altered)


def test_requests_that_differ_only_in_where_a_text_ends_have_different_tokens() -> None:
    token = ask(username="ana", mood="x").next_page_token
    with pytest.raises(InvalidPageTokenError):
        ask(username="ana", mood="x1", page_token=token)


def test_another_bundle_than_the_required_one_is_refused_with_both_named() -> None:
    with pytest.raises(BundleNotHeldError) as caught:
        ask(required_bundle_id=OTHER_BUNDLE)
    assert caught.value.metadata == {"required_bundle_id": OTHER_BUNDLE, "bundle_id": BUNDLE}
