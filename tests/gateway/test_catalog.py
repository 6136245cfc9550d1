"""What becomes of each post of a call that stores some, over a fake of what keeps them."""

import asyncio

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.catalog import delete_posts, get_post, get_posts, upsert_post, upsert_posts
from gateway.catalog_messages import kept_document, read_kept, read_post, read_post_document, write_kept, write_post
from gateway.catalog_types import (
    KeptPost,
    Post,
    PostCountError,
    PostNames,
    PostResult,
    PostState,
    Upserted,
    UpsertResult,
)
from gateway.feed_types import InvalidPostError, PostNotFoundError
from gateway.feedback import EARLIEST_MS
from gateway.feedback_messages import MalformedDocumentError
from moodfeed.catalog.v1 import catalog_pb2
from tests.gateway.fake_keepers import FIRST_GIVEN_ID, FakePosts

NOW = 1_750_000_000_000
NAMES = PostNames(post_ids=(7,))


class AMinute:
    def seconds_left(self) -> float:
        return 60.0


def a_post(**fields: object) -> Post:
    return Post(**{"post_id": 7, "category_id": 2, "video_link": "https://a/7.mp4", **fields})


def upsert(*rows: Post, keeper: FakePosts | None = None) -> Upserted:
    return asyncio.run(upsert_posts(rows, keeper=keeper or FakePosts(), clock=AMinute(), now_ms=NOW))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (a_post(post_id=None), "post_id: is missing; name the post by post_id or external_id"),
        (a_post(post_id=0), "post_id: must be from 1 to 9223372036854775807, not 0"),
        (a_post(post_id=-1), "post_id: must be from 1 to 9223372036854775807, not -1"),
        (a_post(post_id=2**63), "post_id: must be from 1 to 9223372036854775807, not 9223372036854775808"),
        (a_post(category_id=0), "category_id: must be from 1 to 2147483647, not 0"),
        (a_post(category_id=-3), "category_id: must be from 1 to 2147483647, not -3"),
        (a_post(video_link=""), "video_link: must not be empty or blank"),
        (a_post(video_link=" \t"), "video_link: must not be empty or blank"),
        (a_post(video_link="h" * 2049), "video_link: has 2049 code points, the maximum is 2048"),
        (a_post(thumbnail_url="h" * 2049), "thumbnail_url: has 2049 code points, the maximum is 2048"),
        (a_post(title="t" * 10_001), "title: has 10001 code points, the maximum is 10000"),
        (a_post(description="\0"), "description: must not hold the character U+0000"),
        (a_post(title="\ud83d"), "title: must not contain an unpaired surrogate"),
        (a_post(owner_username="a\0"), "owner_username: must not hold the character U+0000"),
        (a_post(owner_username="a" * 201), "owner_username: has 201 code points, the maximum is 200"),
        (a_post(category_name="a" * 201), "category_name: has 201 code points, the maximum is 200"),
        (a_post(language="e" * 41), "language: has 41 code points, the maximum is 40"),
        (a_post(external_id=" "), "external_id: must not be empty or blank"),
        (a_post(external_id="e" * 201), "external_id: has 201 code points, the maximum is 200"),
        (a_post(emotions=("joy",) * 51), "emotions: 51 are given, the maximum is 50"),
        (a_post(emotions=("j" * 101,)), "emotions: has 101 code points, the maximum is 100"),
        (a_post(emotions=("\udfff",)), "emotions: must not contain an unpaired surrogate"),
        (a_post(created_at_ms=EARLIEST_MS - 1), "created_at: is before the year 2000"),
        (a_post(created_at_ms=NOW + 60_001), "created_at: is more than a minute in the future"),
    ],
)
def test_a_post_that_cannot_be_stored_is_rejected_by_name_and_its_neighbours_are_stored(row: Post, reason: str) -> None:
    keeper = FakePosts()
    upserted = upsert(a_post(post_id=1), row, a_post(post_id=3), keeper=keeper)
    accepted = UpsertResult.ACCEPTED
    assert list(upserted.results) == [
        PostResult(accepted, post_id=1),
        PostResult(UpsertResult.REJECTED, reason),
        PostResult(accepted, post_id=3),
    ]
    assert sorted(keeper.kept) == [1, 3]
    assert upsert(row) == Upserted(0, [PostResult(UpsertResult.REJECTED, reason)])


@pytest.mark.parametrize(
    "row",
    [
        a_post(),
        a_post(post_id=2**63 - 1, category_id=2**31 - 1),
        a_post(external_id="e" * 200, title="😂" * 10_000, description="d" * 10_000),
        a_post(emotions=("joy",) * 50, language="zh-Hant-TW", thumbnail_url="h" * 2048, owner_username="béla"),
        a_post(created_at_ms=EARLIEST_MS),
        a_post(created_at_ms=NOW + 60_000),
        a_post(is_servable=False),
    ],
)
def test_a_sound_post_is_stored_as_it_is(row: Post) -> None:
    keeper = FakePosts()
    (result,) = upsert(row, keeper=keeper).results
    assert result == PostResult(UpsertResult.ACCEPTED, post_id=row.post_id or 0)
    assert keeper.asked == [("upsert", (row,))]


def test_a_post_without_an_id_gets_one() -> None:
    keeper = FakePosts()
    position, post_id = asyncio.run(
        upsert_post(a_post(post_id=None, external_id="tt7"), keeper=keeper, clock=AMinute(), now_ms=NOW)
    )
    assert (position, post_id) == (1, FIRST_GIVEN_ID + 1)


def test_the_one_post_of_a_path_is_refused_by_name() -> None:
    with pytest.raises(InvalidPostError, match="category_id: must be"):
        asyncio.run(upsert_post(a_post(category_id=0), keeper=FakePosts(), clock=AMinute(), now_ms=NOW))


@pytest.mark.parametrize("count", [0, 65])
def test_a_call_stores_1_to_64_posts(count: int) -> None:
    with pytest.raises(PostCountError, match=f"{count} posts given, 1 to 64 are allowed"):
        upsert(*[a_post()] * count)


@pytest.mark.parametrize("call", [delete_posts, get_posts])
def test_a_call_names_1_to_1000_posts_that_may_be_there(call: object) -> None:
    def ask(names: PostNames) -> object:
        return asyncio.run(call(names, keeper=FakePosts(), clock=AMinute()))

    for names in (PostNames(), PostNames(tuple(range(1, 1001)), ("x",))):
        with pytest.raises(PostCountError, match="posts are named, 1 to 1000 are allowed"):
            ask(names)
    for names, words in (
        (PostNames((0,)), "post_ids: must be from 1"),
        (PostNames(external_ids=("",)), "external_ids: must not be empty"),
        (PostNames(external_ids=("a\0",)), "external_ids: must not hold the character"),
        (PostNames(external_ids=("a" * 201,)), "external_ids: has 201"),
    ):
        with pytest.raises(InvalidPostError, match=words):
            ask(names)
    ask(PostNames(tuple(range(1, 1000)), ("x",)))


def test_a_post_that_nobody_knows_is_not_found() -> None:
    with pytest.raises(PostNotFoundError):
        asyncio.run(get_post(NAMES, keeper=FakePosts(), clock=AMinute()))


def test_both_edges_read_the_same_post() -> None:
    moment = Timestamp()
    moment.FromMilliseconds(NOW)
    message = catalog_pb2.Post(
        post_id=7,
        title="béla",
        description="d",
        emotions=["joy", "fear"],
        category_id=2,
        category_name="two",
        video_link="https://a",
        thumbnail_url="https://b",
        owner_username="ana",
        language="en",
        is_servable=False,
        created_at=moment,
        external_id="x",
    )
    body = (
        '{"title": "béla", "description": "d", "emotions": ["joy", "fear"], "category_id": 2, "category_name": "two", '
        '"video_link": "https://a", "thumbnail_url": "https://b", "owner_username": "ana", "language": "en", '
        '"is_servable": false, "created_at": "2025-06-15T17:06:40+02:00", "external_id": "x"}'
    )
    post = read_post(message)
    assert read_post_document(body.encode(), NAMES) == post
    assert write_post(post) == message
    kept = KeptPost(post, PostState.NOT_SERVABLE, 9)
    assert [read_kept(item) for item in write_kept([kept]).posts] == [kept]
    document = kept_document(kept, ids=str)
    assert document["post"] == {
        "post_id": "7",
        "title": "béla",
        "description": "d",
        "emotions": ["joy", "fear"],
        "category_id": 2,
        "category_name": "two",
        "video_link": "https://a",
        "thumbnail_url": "https://b",
        "owner_username": "ana",
        "language": "en",
        "is_servable": False,
        "created_at": "2025-06-15T15:06:40Z",
        "external_id": "x",
    }
    assert (document["state"], document["position"]) == ("NOT_SERVABLE", 9)


def test_what_is_absent_stays_absent_and_a_post_is_servable() -> None:
    post = read_post_document(b'{"category_id": 2, "video_link": "v", "created_at": null}', NAMES)
    assert post == Post(post_id=7, category_id=2, video_link="v")
    assert not write_post(post).HasField("created_at")
    assert read_post(catalog_pb2.Post()) == Post()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('{"category_id": "two"}', "category_id: must be a 32-bit integer"),
        ('{"category_id": true}', "category_id: must be a 32-bit integer"),
        ('{"category_id": 2.5}', "category_id: must be a 32-bit integer"),
        ('{"category_id": 2147483648}', "category_id: must be a 32-bit integer"),
        ('{"title": 5}', "title: must be a string"),
        ('{"emotions": "joy"}', "emotions: must be a list, each element a string"),
        ('{"emotions": [1]}', "emotions: must be a list, each element a string"),
        ('{"is_servable": "yes"}', "is_servable: must be true or false"),
        ('{"is_servable": 1}', "is_servable: must be true or false"),
        ('{"created_at": 5}', "created_at: must be a time with its offset"),
        ('{"created_at": "2025-06-15T15:06:40"}', "created_at: must be a time with its offset"),
        ('{"created_at": "yesterday"}', "created_at: must be a time with its offset"),
        ('{"postId": 7}', "postId: is not a known field; the fields are category_id"),
        ('{"colour": "red"}', "colour: is not a known field; the fields are category_id"),
        ('{"post_id": 8}', "post_id: is not the one in the path"),
    ],
)
def test_a_field_of_json_with_a_wrong_type_is_named(body: str, reason: str) -> None:
    with pytest.raises(InvalidPostError) as caught:
        read_post_document(body.encode(), NAMES)
    assert str(caught.value).startswith(reason)


def test_the_path_names_the_post_by_external_id_too() -> None:
    names = PostNames(external_ids=("tt1",))
    assert read_post_document(b'{"post_id": "9007199254740993"}', names) == Post(post_id=2**53 + 1, external_id="tt1")
    with pytest.raises(InvalidPostError, match="external_id: is not the one in the path"):
        read_post_document(b'{"external_id": "tt2"}', names)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"1", b"\xff", b'{"title": "\\ud83d"}'])
def test_a_body_of_another_form_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedDocumentError):
        read_post_document(body, NAMES)
