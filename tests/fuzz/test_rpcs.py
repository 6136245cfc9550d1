"""Whatever is sent to an RPC, it answers in time with a right answer or a clear error, and its process serves on.

Structured requests draw each field from right, boundary and absurd values; raw requests are random bytes, or right
messages with their bytes mutated. What a right answer is stands in world.py.
"""

from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_health.v1 import health_pb2
from hypothesis import given
from hypothesis import strategies as st

from gateway import page_token
from moodfeed.catalog.v1 import catalog_pb2
from moodfeed.embedding.v1 import embedding_pb2
from moodfeed.feed.v1 import feed_pb2
from moodfeed.feedback.v1 import feedback_pb2
from moodfeed.post_index.v1 import post_index_pb2
from moodfeed.rules.v1 import rules_pb2
from moodfeed.user_tower.v1 import user_tower_pb2
from rpc import wall_clock
from rpc.server import LARGEST_METADATA_BYTES
from tests.fuzz import absurd
from tests.fuzz.inputs import BATCH, fuzzed
from tests.fuzz.world import GATEWAY, INDEX, PROCESSES, RPCS, TOWER, Rpc, World, digest_of, rpc_of

MOODS = ("calm", "happy", "😂", "😢", "not sad", "sad and lonely 💔", "energetic 🔥🔥", "love")
every_rpc = pytest.mark.parametrize("rpc", RPCS, ids=lambda rpc: rpc.name)


@st.composite
def often(draw: st.DrawFn, usual: st.SearchStrategy[Any], rarely: st.SearchStrategy[Any]) -> Any:
    """Seven of eight times the first: a request with one absurd field gets further than one with eight."""
    return draw(rarely if draw(st.integers(0, 7)) == 7 else usual)


def usernames(world: World) -> st.SearchStrategy[str]:
    return often(st.sampled_from(world.usernames), absurd.texts)


def moods() -> st.SearchStrategy[str]:
    return st.just("") | often(st.sampled_from(MOODS), absurd.texts)


def category_ids(world: World) -> st.SearchStrategy[int | None]:
    return often(st.none() | st.sampled_from(sorted(world.post_counts)), absurd.int32s)


def post_ids(world: World) -> st.SearchStrategy[list[int]]:
    """Few or very many, of posts that exist or not, and twice."""
    known = sorted(world.category_of)
    few = st.lists(st.sampled_from(known) | absurd.int64s, max_size=5).map(lambda ids: ids + ids[:2])
    many = st.sampled_from(
        [known[:1000], known[:1] * 1000, known[:1] * 1001, list(range(-500, 500)), [2**63 - 1] * 1000, [1] * 9000]
    )
    return st.just([]) | often(few, many)


def bundle_ids(world: World) -> st.SearchStrategy[str]:
    near = st.sampled_from([world.bundle_id, world.bundle_id.upper(), world.bundle_id[:-1], "0" * 64])
    return often(st.just(""), near | absurd.texts)


@st.composite
def page_tokens(draw: st.DrawFn, world: World, request: feed_pb2.GetFeedRequest) -> str:
    """None, one of another request, one with bytes changed, or one forged for this request."""
    real = draw(st.sampled_from(world.pages)).page_token
    match draw(st.sampled_from([*["none"] * 6, "foreign", "mutated", "forged", "forged", "text"])):
        case "foreign":
            return real
        case "mutated":
            return draw(absurd.mutated_text(real))
        case "forged":
            offset = draw(st.sampled_from([0, 1, 10, 1000, 2**31 - 101, 2**31 - 1, 2**31, 2**32 - 1]))
            left_out = frozenset(draw(st.sampled_from([(), ("user",), ("mood",), ("user", "mood")])))
            return page_token.write(
                page_token.PageToken(world.bundle_id, digest_of(request), offset, left_out, None, wall_clock.now_ms())
            )
        case "text":
            return draw(absurd.texts)
        case _:
            return ""


@st.composite
def filters(draw: st.DrawFn, world: World) -> dict[str, Any]:
    """Fields of a feed and of a search."""
    if draw(st.booleans()):
        return {}
    categories = st.lists(st.sampled_from(sorted(world.post_counts)), max_size=3)
    owners = st.lists(st.sampled_from(sorted({post.owner_username for post, _ in world.served.values()})), max_size=3)
    return {
        "category_ids": draw(often(st.just([]), categories | st.lists(absurd.int32s, max_size=2))),
        "excluded_category_ids": draw(categories | st.lists(absurd.int32s, max_size=101)),
        "excluded_owner_usernames": draw(often(owners, st.lists(absurd.texts, max_size=101))),
        "languages": draw(often(st.just([]), st.lists(st.sampled_from(["en", "EN", "x", ""]), max_size=21))),
        "diversity": draw(often(st.sampled_from([0.0, 0.5, 1.0]), st.floats(width=32))),
        "most_per_owner": draw(often(st.sampled_from([0, 1, 2]), absurd.int32s)),
        "explain": draw(st.booleans()),
    }


@st.composite
def feed_requests(draw: st.DrawFn, world: World) -> Message:
    if draw(st.integers(0, 5)) == 0:
        request = feed_pb2.GetFeedRequest()
        request.CopyFrom(draw(st.sampled_from(world.pages)))
        request.page_size = draw(st.sampled_from([0, 1, 7, 100, 2**31 - 1]))
        return request
    request = feed_pb2.GetFeedRequest(
        username=draw(usernames(world)),
        category_id=draw(category_ids(world)),
        mood=draw(moods()),
        page_size=draw(often(st.integers(0, 12), absurd.int32s)),
        exclude_post_ids=draw(post_ids(world)),
        exclude_external_ids=draw(st.lists(absurd.texts, max_size=3)),
        required_bundle_id=draw(bundle_ids(world)),
        fallback=draw(often(st.sampled_from(feed_pb2.Fallback.values()), absurd.int32s)),
        include_own_posts=draw(st.booleans()),
        **draw(filters(world)),
    )
    if draw(st.integers(0, 3)) == 0:
        request.created_after.seconds = draw(st.sampled_from([0, 1_700_000_000, 2**33]) | absurd.int64s)
        request.created_after.nanos = draw(often(st.just(0), absurd.int32s))
    request.page_token = draw(page_tokens(world, request))
    return request


@st.composite
def similar_requests(draw: st.DrawFn, world: World) -> Message:
    return feed_pb2.GetSimilarPostsRequest(
        post_id=draw(often(st.sampled_from(sorted(world.category_of)), absurd.int64s)),
        external_id=draw(often(st.just(""), absurd.texts)),
        username=draw(st.just("") | usernames(world)),
        page_size=draw(often(st.integers(0, 12), absurd.int32s)),
        page_token=draw(often(st.just(""), absurd.texts)),
        exclude_post_ids=draw(post_ids(world)),
        exclude_external_ids=draw(st.lists(absurd.texts, max_size=3)),
        required_bundle_id=draw(bundle_ids(world)),
        at_least_position=draw(often(st.just(0), st.just(-1))),
        seen=draw(often(st.sampled_from(feed_pb2.Seen.values()), absurd.int32s)),
        explain=draw(st.booleans()),
    )


@st.composite
def requests_of_feeds(draw: st.DrawFn, world: World) -> Message:
    feeds = draw(st.lists(feed_requests(world), max_size=3))
    return feed_pb2.GetFeedsRequest(
        feeds=feeds * draw(st.sampled_from([1, 1, 1, 1, 1, 2, 33])), distinct=draw(st.booleans())
    )


@st.composite
def posts_to_store(draw: st.DrawFn, world: World) -> Message:
    """None that a feed could show."""
    posts = [
        catalog_pb2.Post(
            post_id=draw(st.none() | absurd.int64s),
            title=draw(absurd.texts),
            emotions=draw(st.lists(absurd.texts, max_size=2)),
            category_id=draw(category_ids(world)),
            category_name=draw(absurd.texts),
            video_link=draw(often(st.just("v"), absurd.texts)),
            created_at=draw(st.none() | timestamps()),
            is_servable=False,
            external_id=draw(often(st.just(""), absurd.texts)),
        )
        for _ in range(draw(st.integers(0, 3)))
    ]
    return catalog_pb2.UpsertPostsRequest(posts=posts)


@st.composite
def names_of_posts(draw: st.DrawFn, world: World) -> Message:
    ids = st.lists(st.sampled_from(sorted(world.category_of)) | absurd.int64s, max_size=5)
    return catalog_pb2.GetPostsRequest(post_ids=draw(ids), external_ids=draw(st.lists(absurd.texts, max_size=3)))


@st.composite
def rules(draw: st.DrawFn, world: World) -> Message:
    return rules_pb2.SetRuleRequest(
        rule=rules_pb2.Rule(
            name=draw(absurd.texts),
            action=draw(often(st.integers(0, 3), absurd.int32s)),
            post_ids=draw(post_ids(world)),
            boost=draw(absurd.floats),
            starts_at=draw(st.none() | timestamps()),
        )
    )


@st.composite
def trending_requests(draw: st.DrawFn, world: World) -> Message:
    request = feed_pb2.ListTrendingRequest(
        category_id=draw(category_ids(world)),
        page_size=draw(often(st.integers(0, 12), absurd.int32s)),
        required_bundle_id=draw(bundle_ids(world)),
    )
    category_id = request.category_id if request.HasField("category_id") else None
    forged = page_token.PageToken(
        world.bundle_id,
        page_token.digest("", category_id, "", (), kind="trends"),
        draw(st.sampled_from([0, 1, 10, 2**31 - 101, 2**31, 2**32 - 1])),
        issued_at_ms=wall_clock.now_ms(),
        counted_position=draw(st.sampled_from([None, 0, 1, 2**62])),
    )
    real = draw(st.sampled_from(world.pages)).page_token
    request.page_token = draw(st.sampled_from(["", "", page_token.write(forged), real]) | absurd.mutated_text(real))
    return request


@st.composite
def embeddings(draw: st.DrawFn, world: World) -> embedding_pb2.Embedding | None:
    """As EncodeContext gave it, of either kind, or changed in its values or its space."""
    if draw(st.integers(0, 3)) == 0:
        return None
    embedding = embedding_pb2.Embedding()
    embedding.CopyFrom(draw(st.sampled_from([*world.user_embeddings, *world.mood_embeddings])))
    if draw(st.booleans()):
        embedding.values = draw(absurd.mutated_vectors(embedding.values))
    if draw(st.integers(0, 4)) == 0:
        match draw(st.sampled_from(["bundle", "kind", "dimension", "none"])):
            case "bundle":
                embedding.space.bundle_id = draw(bundle_ids(world))
            case "kind":
                embedding.space.kind = draw(st.sampled_from([0, 1, 2, 3, 99]) | absurd.int32s)
            case "dimension":
                embedding.space.dimension = draw(absurd.int32s)
            case _:
                embedding.ClearField("space")
    return embedding


@st.composite
def searches(draw: st.DrawFn, world: World) -> Message:
    user, mood = draw(embeddings(world)), draw(embeddings(world))
    if draw(st.booleans()):  # by chance alone few searches would have both right
        user, mood = draw(st.sampled_from(world.user_embeddings)), draw(st.sampled_from((None, *world.mood_embeddings)))
    return post_index_pb2.SearchPostsRequest(
        user_embedding=user,
        mood_embedding=mood,
        category_id=draw(category_ids(world)),
        exclude_post_ids=draw(post_ids(world)),
        exclude_external_ids=draw(st.lists(absurd.texts, max_size=3)),
        seen_post_ids=draw(post_ids(world)),
        not_interested_post_ids=draw(post_ids(world)),
        withheld_post_ids=draw(often(st.just([]), post_ids(world))),
        offset=draw(often(st.integers(0, 30), absurd.int32s)),
        limit=draw(often(st.integers(1, 100), absurd.int32s)),
        bundle_id=draw(bundle_ids(world)),
        trending=draw(st.booleans()),
        counted_position=draw(often(st.none(), st.sampled_from([0, 1]) | absurd.int64s)),
        at_least_position=draw(often(st.just(0), absurd.int64s)),
        created_after_ms=draw(often(st.none(), st.sampled_from([0, 1_700_000_000_000]) | absurd.int64s)),
        recent_history=embedding_pb2.RecentHistory(
            post_ids=draw(post_ids(world)), count=draw(absurd.int32s), newest_at_ms=draw(absurd.int64s)
        ),
        **draw(filters(world)),
    )


@st.composite
def contexts(draw: st.DrawFn, world: World) -> Message:
    return user_tower_pb2.EncodeContextRequest(
        username=draw(usernames(world)), mood=draw(moods()), bundle_id=draw(bundle_ids(world))
    )


@st.composite
def posts_to_encode(draw: st.DrawFn, world: World) -> Message:
    words = st.sampled_from(("", "A walk", "Cats", *MOODS)) | absurd.texts
    posts = [
        user_tower_pb2.PostContent(
            post_id=draw(st.sampled_from(sorted(world.category_of)) | absurd.int64s),
            title=draw(words),
            description=draw(words),
            category_id=draw(category_ids(world)) or 0,
        )
        for _ in range(draw(st.integers(0, 3)))
    ]
    return user_tower_pb2.EncodePostsRequest(posts=posts * draw(st.sampled_from([1, 1, 1, 1, 1, 1, 2, 16, 64, 65])))


def people() -> st.SearchStrategy[str]:
    """Nobody of whom a feed is asked: whoever has done something is known, and sees their posts last."""
    return absurd.texts.map(lambda text: f"of the fuzz tests {text}") | st.sampled_from(["", " ", "\x00"])


@st.composite
def timestamps(draw: st.DrawFn) -> Timestamp:
    seconds = st.sampled_from([0, -1, 946_684_799, 946_684_800, 1_700_000_000, 2**62, 253_402_300_799])
    return Timestamp(seconds=draw(often(seconds, absurd.int64s)), nanos=draw(often(st.just(0), absurd.int32s)))


@st.composite
def interactions(draw: st.DrawFn, world: World) -> feedback_pb2.Interaction:
    ids = st.sampled_from(["", "an event", "another"])
    return feedback_pb2.Interaction(
        event_id=draw(often(ids, absurd.texts)),
        username=draw(people()),
        post_id=draw(st.none() | st.sampled_from(sorted(world.category_of)) | absurd.int64s),
        verb=draw(often(st.integers(0, 6), absurd.int32s)),
        watched_share=draw(st.none() | absurd.floats),
        rating_percent=draw(st.none() | often(st.integers(0, 101), absurd.int32s)),
        occurred_at=draw(st.none() | timestamps()),
        retracts=draw(often(st.just(""), ids | absurd.texts)),
        feed_id=draw(often(st.just(""), absurd.texts)),
        external_id=draw(often(st.just(""), absurd.texts)),
        place=draw(st.none() | often(st.integers(0, 101), absurd.int32s)),
    )


@st.composite
def recordings(draw: st.DrawFn, world: World) -> Message:
    rows = draw(st.lists(interactions(world), max_size=4))
    return feedback_pb2.RecordInteractionsRequest(interactions=rows * draw(st.sampled_from([1, 1, 1, 1, 2, 250, 251])))


@st.composite
def categories_of_a_bundle(draw: st.DrawFn, world: World) -> Message:
    return post_index_pb2.ListCategoriesRequest(bundle_id=draw(bundle_ids(world)))


@st.composite
def health_checks(draw: st.DrawFn, world: World) -> Message:
    names = ["", *(rpc.path.split("/")[1] for rpc in RPCS)]
    return health_pb2.HealthCheckRequest(service=draw(st.sampled_from(names) | absurd.texts))


def requests_of(world: World, rpc: Rpc) -> st.SearchStrategy[Message]:
    """Structured requests; where a method has no parameters, the empty one."""
    return {
        "GetFeedRequest": feed_requests,
        "ListTrendingRequest": trending_requests,
        "GetSimilarPostsRequest": similar_requests,
        "GetFeedsRequest": requests_of_feeds,
        "UpsertPostsRequest": posts_to_store,
        "DeletePostsRequest": names_of_posts,
        "GetPostsRequest": names_of_posts,
        "SetRuleRequest": rules,
        "SearchPostsRequest": searches,
        "RankPostsRequest": rankings,
        "ReorderPostsRequest": reorderings,
        "EncodeContextRequest": contexts,
        "EncodePostsRequest": posts_to_encode,
        "HealthCheckRequest": health_checks,
        "RecordInteractionsRequest": recordings,
        "ListCategoriesRequest": categories_of_a_bundle if rpc.process == INDEX else empty,
    }.get(rpc.request.DESCRIPTOR.name, empty)(world)


def rankings(world: World) -> st.SearchStrategy[Message]:
    return st.builds(
        post_index_pb2.RankPostsRequest,
        search=searches(world),
        shard=st.sampled_from([0, 0, 0, 1, -1]),
        shards=st.sampled_from([1, 1, 1, 0, 2]),
        count=st.one_of(st.integers(0, 30), st.integers(-(2**31), 2**31 - 1)),
        describes_all=st.booleans(),
        described_places=st.lists(st.one_of(st.integers(0, 30), st.integers(-(2**31), 2**31 - 1)), max_size=5),
        described_post_ids=post_ids(world),
    )


@st.composite
def reorderings(draw: st.DrawFn, world: World) -> Message:
    """Mostly what a gateway could have merged: posts that are known, and numbers that fall."""
    known = st.lists(st.sampled_from(sorted(world.category_of)), max_size=30, unique=True)
    ids = draw(often(known, st.lists(absurd.int64s, max_size=5)))
    candidates = draw(often(known, st.lists(absurd.int64s, max_size=5)))
    falling = [1.0 - place / 30 for place in range(len(ids))]
    counts = st.lists(often(st.integers(0, 101), absurd.int32s), min_size=len(candidates), max_size=len(candidates))
    totals = often(st.integers(0, len(ids) + 30), absurd.int64s)
    return post_index_pb2.ReorderPostsRequest(
        bundle_id=draw(bundle_ids(world)),
        posts_position=draw(often(st.none(), absurd.int64s)),
        post_ids=ids,
        numbers=draw(often(st.just(falling), st.lists(st.floats(width=32), max_size=30))),
        pinned_total=draw(often(st.integers(0, 3), absurd.int64s)),
        unseen_total=draw(totals),
        total=draw(often(st.just(len(ids)), totals)),
        offset=draw(often(st.sampled_from([0, 10, 20]), absurd.int32s)),
        limit=draw(often(st.integers(1, 20), absurd.int32s)),
        diversity=draw(often(st.sampled_from([0.0, 0.5, 1.0]), st.floats(width=32))),
        most_per_owner=draw(often(st.sampled_from([0, 1, 2]), absurd.int32s)),
        exploration_share=draw(often(st.sampled_from([0.0, 1.0]), st.floats(width=32))),
        exploration_seed=draw(st.integers(0, 2**64 - 1)),
        candidate_ids=candidates,
        candidate_positives=draw(counts),
        candidate_impressions=draw(counts),
    )


def empty(world: World) -> st.SearchStrategy[Message]:
    return st.just(feed_pb2.ListCategoriesRequest())


def messages(requests: st.SearchStrategy[Message]) -> st.SearchStrategy[bytes]:
    return requests.map(lambda request: request.SerializeToString())


def batches(inputs: st.SearchStrategy[bytes]) -> st.SearchStrategy[list[bytes]]:
    return st.lists(inputs, min_size=BATCH, max_size=BATCH)


@fuzzed(0.20)
@given(data=st.data())
def test_feeds_of_any_request(world: World, data: st.DataObject) -> None:
    world.ask(rpc_of(GATEWAY, "GetFeed"), data.draw(batches(messages(feed_requests(world)))))


@fuzzed(0.03)
@given(data=st.data())
def test_similar_posts_of_any_request(world: World, data: st.DataObject) -> None:
    world.ask(rpc_of(GATEWAY, "GetSimilarPosts"), data.draw(batches(messages(similar_requests(world)))))


@fuzzed(0.02)
@given(data=st.data())
def test_several_feeds_of_any_request(world: World, data: st.DataObject) -> None:
    world.ask(rpc_of(GATEWAY, "GetFeeds"), data.draw(batches(messages(requests_of_feeds(world)))))


@pytest.mark.parametrize("method", ["UpsertPosts", "DeletePosts", "GetPosts", "SetRule", "DeleteRule", "ListRules"])
@fuzzed(0.005)
@given(data=st.data())
def test_posts_and_rules_of_any_kind(world: World, method: str, data: st.DataObject) -> None:
    rpc = rpc_of(INDEX, method)
    world.ask(rpc, data.draw(batches(messages(requests_of(world, rpc)))))


@fuzzed(0.20)
@given(data=st.data())
def test_searches_of_any_request(world: World, data: st.DataObject) -> None:
    world.ask(rpc_of(INDEX, "SearchPosts"), data.draw(batches(messages(searches(world)))))


@fuzzed(0.08)
@given(data=st.data())
def test_contexts_of_any_user_and_mood(world: World, data: st.DataObject) -> None:
    world.ask(rpc_of(TOWER, "EncodeContext"), data.draw(batches(messages(contexts(world)))))


@fuzzed(0.01, batch=2)
@given(data=st.data())
def test_posts_of_any_words(world: World, data: st.DataObject) -> None:
    world.ask(rpc_of(TOWER, "EncodePosts"), [data.draw(messages(posts_to_encode(world))) for _ in range(2)])


@pytest.mark.parametrize("process", [GATEWAY, TOWER])
@fuzzed(0.02)
@given(data=st.data())
def test_recordings_of_any_interactions(world: World, process: str, data: st.DataObject) -> None:
    world.ask(rpc_of(process, "RecordInteractions"), data.draw(batches(messages(recordings(world)))))


@fuzzed(0.02)
@given(data=st.data())
def test_categories_of_any_bundle(world: World, data: st.DataObject) -> None:
    world.ask(rpc_of(INDEX, "ListCategories"), data.draw(batches(messages(categories_of_a_bundle(world)))))


@pytest.mark.parametrize("process", PROCESSES)
@fuzzed(0.01)
@given(data=st.data())
def test_the_health_of_any_service(world: World, process: str, data: st.DataObject) -> None:
    world.ask(rpc_of(process, "Check"), data.draw(batches(messages(health_checks(world)))))


@every_rpc
@fuzzed(0.008)
@given(data=st.data())
def test_random_bytes_as_a_request(world: World, rpc: Rpc, data: st.DataObject) -> None:
    world.ask(rpc, data.draw(batches(st.binary(max_size=40))))


@every_rpc
@fuzzed(0.012)
@given(data=st.data())
def test_a_message_with_its_bytes_mutated(world: World, rpc: Rpc, data: st.DataObject) -> None:
    data_of_requests = messages(requests_of(world, rpc))
    if rpc.path.endswith("/EncodePosts"):
        data_of_requests = data_of_requests.map(lambda content: content[:300])  # the long ones cost seconds of BERT
    world.ask(rpc, data.draw(batches(data_of_requests.flatmap(absurd.mutated))))


_names = st.sampled_from(["x", "authorization", "x-request-id", "cookie", "traceparent"]) | st.from_regex(
    r"x[a-z0-9_.-]{0,20}", fullmatch=True
).filter(lambda name: not name.endswith("-bin"))
_values = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=60) | st.sampled_from(
    ["Bearer ", "Bearer x", "bearer " + "A" * 4000, "Basic eDp4", "Bearer \x7e", ""]
)
metadata_of_any_kind = st.lists(
    st.tuples(_names, _values) | st.tuples(_names.map(lambda name: f"{name}-bin"), st.binary(max_size=60)), max_size=6
)


@every_rpc
@fuzzed(0.002, batch=2)
@given(data=st.data())
def test_metadata_of_any_kind(world: World, rpc: Rpc, data: st.DataObject) -> None:
    metadata = data.draw(metadata_of_any_kind)
    if sum(len(name) + len(value) + 32 for name, value in metadata) < LARGEST_METADATA_BYTES - 1000:
        world.ask(rpc, [b"", b"\x0a\x01a"], metadata)


@pytest.mark.parametrize("process", PROCESSES)
@fuzzed(0.002, batch=1)
@given(name=st.from_regex(r"[A-Za-z0-9_./-]{0,40}", fullmatch=True), data=st.binary(max_size=20))
def test_methods_that_do_not_exist_are_unimplemented(world: World, process: str, name: str, data: bytes) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        world.channels[process].unary_unary(f"/moodfeed.feed.v1.NoService/{name}")(data, timeout=5)
    world.tally.count("methods that do not exist", caught.value.code().name)
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
    world.assert_serves(process)


def test_no_process_met_an_unexpected_error(world: World) -> None:
    for process in PROCESSES:
        log = world.fleet.log(process)
        for words in ("unexpected error", "Traceback", "mood encoder failed", "ERROR"):
            assert words not in log, log[max(0, log.find(words) - 500) :][:3000]
