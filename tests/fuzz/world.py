"""Every RPC of the three processes, and what holds for its answers whatever was asked."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np
from google.protobuf import message_factory
from google.protobuf.message import DecodeError, Message
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bundle.directory import current_bundle, open_bundle
from bundle.index_posts import IndexPosts
from bundle.known_users import KnownUsers
from bundle.served_posts import ServedPost
from gateway import page_token
from gateway.feed_types import Filters
from moodfeed.bundle.v1 import bundle_pb2
from moodfeed.catalog.v1 import catalog_pb2
from moodfeed.embedding.v1 import embedding_pb2
from moodfeed.feed.v1 import feed_pb2
from moodfeed.feedback.v1 import feedback_pb2
from moodfeed.post_index.v1 import post_index_pb2
from moodfeed.rules.v1 import rules_pb2
from moodfeed.user_tower.v1 import user_tower_pb2
from rpc.errors import read_error_info
from tests.faults.fleet import GATEWAY, INDEXES, TOWERS, Fleet
from tests.fuzz.inputs import IS_LONG
from tests.fuzz.tally import Tally

TOWER, INDEX = TOWERS[0], INDEXES[0]
PROCESSES = (GATEWAY, TOWER, INDEX)
KINDS = {feed_pb2.FALLBACK_POPULAR: "or popular", feed_pb2.FALLBACK_TRENDING: "or trending"}
Metadata = Sequence[tuple[str, str | bytes]]

DEADLINE_SECONDS = 5.0 if IS_LONG else 30.0
"""In the suite, other tests share the machine; ``make fuzz`` has it to itself."""

ENCODE_POSTS_SECONDS = 30.0
"""64 posts of 128 tokens are 128 runs of BERT: seconds on a core that others use too."""

LARGEST_REQUEST_BYTES = {GATEWAY: 128 * 1024, TOWER: 2 * 1024 * 1024, INDEX: 2 * 1024 * 1024}
LARGER_REQUEST_BYTES = {
    "post_index_service PostIndexService/SearchPosts": 4 * 1024 * 1024,
    "gateway FeedbackService/RecordInteractions": 4 * 1024 * 1024,
    "gateway FeedService/GetFeeds": 1024 * 1024,
    "user_tower_service UserTowerService/RecordInteractions": 5 * 1024 * 1024,
}
WRITES = ("/UpsertPosts", "/DeletePosts", "/SetRule")  # of the index
OF_OPERATORS = ("/ExportPerson", "/DeletePerson", "/MergePeople")
_OF_NO_STORE = frozenset({"NO_STORE"})  # of a feed that is to be remembered
EXPECTED = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.UNIMPLEMENTED,
}


@dataclass(frozen=True, slots=True)
class Rpc:
    """One method of one process."""

    process: str
    path: str
    request: type[Any]
    response: type[Any]

    @property
    def name(self) -> str:
        """Short, for tables."""
        service, method = self.path.strip("/").split("/")
        return f"{self.process.partition('-')[0]} {service.rsplit('.', 1)[1]}/{method}"


def _rpcs(process: str, *files: Any) -> tuple[Rpc, ...]:
    return tuple(
        Rpc(
            process,
            f"/{service.full_name}/{method.name}",
            message_factory.GetMessageClass(method.input_type),
            message_factory.GetMessageClass(method.output_type),
        )
        for file in files
        for service in file.services_by_name.values()
        for method in service.methods
        if not method.server_streaming
    )


RPCS = (
    *_rpcs(
        GATEWAY,
        feed_pb2.DESCRIPTOR,
        feedback_pb2.DESCRIPTOR,
        catalog_pb2.DESCRIPTOR,
        rules_pb2.DESCRIPTOR,
        health_pb2.DESCRIPTOR,
    ),
    *_rpcs(TOWER, user_tower_pb2.DESCRIPTOR, bundle_pb2.DESCRIPTOR, health_pb2.DESCRIPTOR),
    *_rpcs(INDEX, post_index_pb2.DESCRIPTOR, bundle_pb2.DESCRIPTOR, health_pb2.DESCRIPTOR),
)


def rpc_of(process: str, method: str) -> Rpc:
    """The RPC of a process by the name of its method."""
    (found,) = [rpc for rpc in RPCS if rpc.process == process and rpc.path.endswith(f"/{method}")]
    return found


@dataclass(frozen=True, slots=True, repr=False)  # 65 kB, and every failure prints it
class World:
    """Where to ask, what is true of the bundle, and material for requests that are nearly right."""

    fleet: Fleet
    tally: Tally
    channels: Mapping[str, grpc.Channel]
    bundle_id: str
    category_of: Mapping[int, int]  # of each servable post
    served: Mapping[int, tuple[ServedPost, int]]  # each servable post, and when it was made
    post_counts: Mapping[int, int]  # of each category
    usernames: tuple[str, ...]
    user_embeddings: tuple[embedding_pb2.Embedding, ...]
    mood_embeddings: tuple[embedding_pb2.Embedding, ...]
    pages: tuple[feed_pb2.GetFeedRequest, ...]  # of second pages, with the tokens that first pages gave

    def ask(self, rpc: Rpc, requests: Sequence[bytes], metadata: Metadata = ()) -> None:
        """Send all of them side by side; AssertionError unless each answer is right and the process serves on."""
        requests = [data for data in requests if not self.would_change(rpc, data)]
        seconds = ENCODE_POSTS_SECONDS if rpc.path.endswith("/EncodePosts") else DEADLINE_SECONDS
        method = self.channels[rpc.process].unary_unary(rpc.path)
        calls = [method.future(data, timeout=seconds, metadata=metadata) for data in requests]
        for data, call in zip(requests, calls, strict=True):
            self.tally.count(rpc.name, call.code().name)
            with self.tally.judged(f"{rpc.name} {data[:300]!r} of {len(data)} bytes, {list(metadata)!r}"):
                self._judge(rpc, data, call)
        self.assert_serves(rpc.process)

    def would_change(self, rpc: Rpc, data: bytes) -> bool:
        """Whether a request would change which posts there are, which no other test expects."""
        if rpc.process != INDEX or not rpc.path.endswith(WRITES):
            return False
        request = _parsed(rpc, data)
        match rpc.path.rsplit("/", 1)[1]:
            case _ if request is None:
                return False
            case "UpsertPosts":
                return any(
                    post.post_id in self.category_of or (not post.HasField("is_servable") or post.is_servable)
                    for post in request.posts
                )
            case "DeletePosts":
                return bool(request.external_ids) or not self.category_of.keys().isdisjoint(request.post_ids)
            case _:
                return bool(request.rule.name)

    def assert_serves(self, name: str) -> None:
        """The process is there and says SERVING."""
        assert self.fleet.processes[name].poll() is None, name
        stub = health_pb2_grpc.HealthStub(self.channels[name])
        answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=DEADLINE_SECONDS)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING, name

    def _judge(self, rpc: Rpc, data: bytes, call: Any) -> None:
        code, info = call.code(), None if call.code() == grpc.StatusCode.OK else read_error_info(call)
        if rpc.path.startswith(("/moodfeed.catalog.", "/moodfeed.rules.")) or (
            rpc.path.startswith("/moodfeed.feedback.") and rpc.path.endswith(OF_OPERATORS)
        ):
            assert info is not None
            assert info.reason == "ADMIN_FORBIDDEN", f"{code} {info}"  # before the request is read
            return
        if len(data) > LARGER_REQUEST_BYTES.get(rpc.name, LARGEST_REQUEST_BYTES[rpc.process]):
            assert code == grpc.StatusCode.RESOURCE_EXHAUSTED, code
            return
        if info is not None and info.reason == "POSITION_NOT_REACHED":  # a position that a mutation has made up
            return
        assert code in EXPECTED or (info is not None and info.reason in _OF_NO_STORE), f"{code} {call.details()}"
        request = _parsed(rpc, data)
        if request is None:
            assert info is not None, code
            assert info.reason == "REQUEST_MALFORMED", f"{code} {info}"
            return
        if rpc.path == "/grpc.health.v1.Health/List":  # grpcio has none
            assert (code, info.reason if info else "") == (grpc.StatusCode.UNIMPLEMENTED, "METHOD_NOT_IMPLEMENTED")
            return
        if info is None:
            response = rpc.response.FromString(call.result())
            _JUDGES[rpc.path.rsplit("/", 1)[1]](self, request, response)
        elif not rpc.path.startswith("/grpc.health."):  # its NOT_FOUND is that of every health service
            assert info.reason, f"{code} {call.details()}"
        assert info is None or info.reason != "REQUEST_MALFORMED", "it is a message of this type"
        if rpc.path.endswith("/GetFeed"):
            wanted = self.reason_of(request)
            if request.remember_served and not wanted and info is not None and info.reason in _OF_NO_STORE:
                return  # a mutation has asked for it
            assert (info.reason if info else "") == wanted, f"{info}, not {wanted or 'a feed'}"

    def reason_of(self, request: feed_pb2.GetFeedRequest) -> str:
        """With which reason the documented order of checks refuses a feed; empty if it must be given."""
        if request.fallback not in feed_pb2.Fallback.values():
            return "FALLBACK_INVALID"
        if request.seen not in feed_pb2.Seen.values():
            return "SEEN_INVALID"
        moment = request.created_after
        if not (-62_135_596_800 <= moment.seconds <= 253_402_300_799 and 0 <= moment.nanos < 1_000_000_000):
            return "CREATED_AFTER_INVALID"
        if not request.username.strip():
            return "USERNAME_BLANK"
        if len(request.mood) > 512:
            return "MOOD_TOO_LONG"
        if request.page_size < 0:
            return "PAGE_SIZE_NEGATIVE"
        if request.at_least_position < 0:
            return "POSITION_NEGATIVE"
        if len(request.exclude_post_ids) + len(request.exclude_external_ids) > 1000:
            return "TOO_MANY_EXCLUSIONS"
        hundreds = (request.category_ids, request.excluded_category_ids, request.excluded_owner_usernames)
        if max(map(len, hundreds)) > 100 or len(request.languages) > 20:
            return "FILTERS_TOO_MANY"
        if not 0 <= request.diversity <= 1:
            return "DIVERSITY_INVALID"
        if request.most_per_owner < 0:
            return "MOST_PER_OWNER_NEGATIVE"
        token = self._token_of(request)
        if request.page_token and token is None:
            return "PAGE_TOKEN_INVALID"
        if request.required_bundle_id not in {"", self.bundle_id}:
            return "PAGE_TOKEN_INVALID" if request.page_token else "BUNDLE_NOT_HELD"
        named = [*([request.category_id] if request.HasField("category_id") else []), *request.category_ids]
        if not set(named) <= self.post_counts.keys():
            return "CATEGORY_NOT_FOUND"
        if token is not None and "user" in token.left_out:
            return ""  # goes on with what is popular, whoever asks
        is_asking_enough = request.mood.strip() and request.HasField("category_id")
        has_fallback = request.fallback not in {feed_pb2.FALLBACK_UNSPECIFIED, feed_pb2.FALLBACK_NONE}
        if request.username not in self.usernames and not (is_asking_enough or has_fallback):
            return "USER_NOT_FOUND"
        return ""

    def _token_of(self, request: feed_pb2.GetFeedRequest) -> page_token.PageToken | None:
        """What its page token says, if it is one of this request and this bundle."""
        try:
            token = page_token.read(request.page_token)
        except ValueError:
            return None
        is_of_this = token.bundle_id == self.bundle_id and token.request_digest == digest_of(request)
        return token if is_of_this else None

    def judge_posts(
        self,
        posts: Any,
        *,
        category_id: int | None,
        excluded: Any,
        offset: int,
        limit: int,
        withheld: Sequence[int] = (),
        most_per_owner: int = 0,
    ) -> None:
        """No post twice, of another category, excluded or unknown; as many as there are; finite scores, in order."""
        ids = [post.post_id for post in posts]
        assert len(set(ids)) == len(ids), "a post twice"
        assert not set(ids) & {*excluded, *withheld}, "an excluded post"
        assert all(self.category_of[post.post_id] == post.category_id for post in posts)
        assert category_id is None or all(post.category_id == category_id for post in posts)
        assert all(math.isfinite(post.score) for post in posts)
        numbers = [post.ranking_score for post in posts]
        assert all(map(math.isfinite, numbers))
        assert numbers == sorted(numbers, reverse=True)
        total = len(self.category_of) if category_id is None else self.post_counts[category_id]
        total -= sum(
            category_id in {None, self.category_of.get(post_id)} for post_id in set(excluded) & self.category_of.keys()
        )
        if most_per_owner:
            assert len(ids) <= limit
            return  # how many are left for a page, the accounts decide
        there = max(0, min(limit, total - offset))
        assert there - len(set(withheld)) <= len(ids) <= there, f"{len(ids)} of {total} posts from {offset}"

    def left_out_by(self, request: Any, *, created_after_ms: int | None, owners: Sequence[str]) -> list[int]:
        """The posts that the filters of a request leave out."""
        languages = {name.casefold() for name in request.languages if name}
        return [
            post_id
            for post_id, (post, moment) in self.served.items()
            if (request.category_ids and post.category_id not in request.category_ids)
            or (post.category_id and post.category_id in request.excluded_category_ids)
            or post.owner_username in owners
            or (created_after_ms is not None and moment <= created_after_ms)
            or (request.languages and post.language.casefold() not in languages)
        ]

    def judge_embedding(self, embedding: embedding_pb2.Embedding, example: embedding_pb2.Embedding) -> None:
        """A finite unit vector of the example's space."""
        assert embedding.space == example.space
        values = np.frombuffer(embedding.values, dtype="<f4")
        assert len(values) == embedding.space.dimension
        assert abs(float(np.linalg.norm(values)) - 1) < 1e-3  # not so if any is not finite


def _parsed(rpc: Rpc, data: bytes) -> Message | None:
    """The message, or None if the bytes are none of this RPC."""
    try:
        return rpc.request.FromString(data)
    except DecodeError:
        return None


def digest_of(request: feed_pb2.GetFeedRequest) -> bytes:
    """What a page token of this request is bound to."""
    category_id = request.category_id if request.HasField("category_id") else None
    return page_token.digest(
        request.username,
        category_id,
        request.mood,
        tuple(request.exclude_post_ids),
        exclude_external_ids=tuple(request.exclude_external_ids),
        kind=KINDS.get(request.fallback, ""),
        seen="EXCLUDED" if request.seen == feed_pb2.SEEN_EXCLUDED else "LAST",
        remember_served=request.remember_served,
        filters=Filters(
            tuple(request.category_ids),
            tuple(request.excluded_category_ids),
            tuple(request.excluded_owner_usernames),
            _created_after_ms(request),
            tuple(request.languages),
            request.include_own_posts,
        ),
        diversity=request.diversity,
        most_per_owner=(request.most_per_owner, min(request.page_size or 10, 100)) if request.most_per_owner else None,
    )


def _created_after_ms(request: feed_pb2.GetFeedRequest) -> int | None:
    moment = request.created_after
    return moment.seconds * 1000 + moment.nanos // 1_000_000 if request.HasField("created_after") else None


def _judge_feed(world: World, request: feed_pb2.GetFeedRequest, response: feed_pb2.GetFeedResponse) -> None:
    if request.seen == feed_pb2.SEEN_EXCLUDED or request.remember_served:
        return  # how many posts are left, the user's history decides
    token = page_token.read(request.page_token) if request.page_token else None
    world.judge_posts(
        response.posts,
        category_id=request.category_id if request.HasField("category_id") else None,
        excluded=[
            *request.exclude_post_ids,
            *world.left_out_by(
                request,
                created_after_ms=_created_after_ms(request),
                owners=[
                    *request.excluded_owner_usernames,
                    *(() if request.include_own_posts else (request.username,)),
                ],
            ),
        ],
        offset=token.offset if token else 0,
        limit=min(request.page_size or 10, 100),
        most_per_owner=request.most_per_owner,
    )
    assert response.bundle_id == world.bundle_id
    assert response.ranking != feed_pb2.RANKING_UNSPECIFIED
    left_out = token.left_out if token else frozenset[str]()
    assert {item.stage for item in response.degradations} <= left_out, response.degradations


def _judge_trending(
    world: World, request: feed_pb2.ListTrendingRequest, response: feed_pb2.ListTrendingResponse
) -> None:
    world.judge_posts(
        response.posts,
        category_id=request.category_id if request.HasField("category_id") else None,
        excluded=(),
        offset=page_token.read(request.page_token).offset if request.page_token else 0,
        limit=min(request.page_size or 10, 100),
    )
    assert response.bundle_id == world.bundle_id
    assert response.position >= 0


def _judge_similar(
    world: World, request: feed_pb2.GetSimilarPostsRequest, response: feed_pb2.GetSimilarPostsResponse
) -> None:
    ids = [post.post_id for post in response.posts]
    assert len(set(ids)) == len(ids) <= min(request.page_size or 10, 100)
    assert not {*ids} & {request.post_id, *request.exclude_post_ids}
    numbers = [post.ranking_score for post in response.posts]
    assert all(map(math.isfinite, numbers))
    assert numbers == sorted(numbers, reverse=True)
    assert response.bundle_id == world.bundle_id


def _judge_feeds(world: World, request: feed_pb2.GetFeedsRequest, response: feed_pb2.GetFeedsResponse) -> None:
    assert 1 <= len(request.feeds) == len(response.results) <= 64
    shown: list[int] = []
    for asked, result in zip(request.feeds, response.results, strict=True):
        if result.WhichOneof("result") == "error":
            assert result.error.reason
            assert result.error.code not in {0, grpc.StatusCode.INTERNAL.value[0], grpc.StatusCode.UNKNOWN.value[0]}
            continue
        ids = [post.post_id for post in result.feed.posts]
        assert len(set(ids)) == len(ids) <= min(asked.page_size or 10, 100)
        assert not {*ids} & set(asked.exclude_post_ids)
        assert result.feed.bundle_id == world.bundle_id
        shown += ids
    assert not request.distinct or len(set(shown)) == len(shown)


def _judge_upserted(world: World, request: Any, response: Any) -> None:
    assert len(response.results) == len(request.posts)
    for row in response.results:
        is_rejected = row.result == catalog_pb2.UPSERT_RESULT_REJECTED
        assert row.result != catalog_pb2.UPSERT_RESULT_UNSPECIFIED
        assert bool(row.reason) is is_rejected
        assert bool(row.post_id) is not is_rejected


def _judge_kept(world: World, request: Any, response: Any) -> None:
    ids = [kept.post.post_id for kept in response.posts]
    assert ids == sorted(set(ids))


def _judge_rules(world: World, request: Any, response: Any) -> None:
    names = [rule.name for rule in response.rules]
    assert names == sorted(set(names))


def _judge_ranked(world: World, request: Any, response: Any) -> None:
    count = len(response.post_ids)
    assert count <= max(request.count, 0)
    assert len(response.numbers) == len(response.kinds) == count
    assert len(response.trends) == len(response.popularity)
    assert len(response.trends) in {0, count}
    assert len(response.posts) == len(response.described_places)
    assert len(response.posts_by_id) == len(response.described_post_ids)
    assert set(response.described_post_ids) <= set(request.described_post_ids)
    assert response.unseen_total <= response.total


def _judge_reordered(world: World, request: Any, response: Any) -> None:
    assert 0 <= response.needed_count <= request.total
    assert len(response.post_ids) == len(response.numbers) <= request.limit
    assert set(response.explored_post_ids) <= set(response.post_ids)
    assert set(response.post_ids) <= {*request.post_ids, *request.candidate_ids}


def _judge_shard(world: World, request: Any, response: Any) -> None:
    assert (response.shard, response.shards, list(response.first_category_ids)) == (0, 1, [])


def _judge_written(world: World, request: Any, response: Any) -> None:
    assert response.position >= 0


def _judge_search(
    world: World, request: post_index_pb2.SearchPostsRequest, response: post_index_pb2.SearchPostsResponse
) -> None:
    assert 1 <= request.limit <= 100
    world.judge_posts(
        response.posts,
        category_id=request.category_id if request.HasField("category_id") else None,
        excluded=[
            *request.exclude_post_ids,
            *request.not_interested_post_ids,
            *world.left_out_by(
                request,
                created_after_ms=request.created_after_ms if request.HasField("created_after_ms") else None,
                owners=request.excluded_owner_usernames,
            ),
        ],
        offset=request.offset,
        limit=request.limit,
        withheld=request.withheld_post_ids,
        most_per_owner=request.most_per_owner,
    )
    assert response.bundle_id == world.bundle_id
    for name, example in (("user_embedding", world.user_embeddings[0]), ("mood_embedding", world.mood_embeddings[0])):
        if request.HasField(name):
            world.judge_embedding(getattr(request, name), example)


def _judge_context(
    world: World, request: user_tower_pb2.EncodeContextRequest, response: user_tower_pb2.EncodeContextResponse
) -> None:
    assert response.bundle_id == world.bundle_id
    assert not response.mood_unavailable
    assert response.HasField("user_embedding") == (request.username in world.usernames)
    is_understood = bool(request.mood.strip()) and not response.mood_not_understood
    assert response.HasField("mood_embedding") == is_understood
    assert request.mood.strip() or not response.mood_not_understood
    if response.HasField("user_embedding"):
        world.judge_embedding(response.user_embedding, world.user_embeddings[0])
    if response.HasField("mood_embedding"):
        world.judge_embedding(response.mood_embedding, world.mood_embeddings[0])
    assert list(response.seen_post_ids) == sorted(set(response.seen_post_ids))


def _judge_post_embeddings(
    world: World, request: user_tower_pb2.EncodePostsRequest, response: user_tower_pb2.EncodePostsResponse
) -> None:
    assert response.bundle_id == world.bundle_id
    assert [post.post_id for post in response.posts] == [post.post_id for post in request.posts]
    for post in response.posts:
        world.judge_embedding(post.tower_embedding, world.user_embeddings[0])
        world.judge_embedding(post.text_embedding, world.mood_embeddings[0])


def _judge_spaces(world: World, request: Message, response: Any) -> None:
    assert response.tower_space == world.user_embeddings[0].space
    assert response.text_space == world.mood_embeddings[0].space


def _judge_categories(world: World, request: Message, response: Any) -> None:
    assert {item.category_id: item.post_count for item in response.categories} == world.post_counts


def _judge_held(world: World, request: Message, response: Any) -> None:
    assert (response.current_bundle_id, response.previous_bundle_id) == (world.bundle_id, "")


def _judge_health(world: World, request: Message, response: Any) -> None:
    assert response.status == health_pb2.HealthCheckResponse.SERVING


def _judge_recorded(world: World, request: Any, response: Any) -> None:
    assert 1 <= len(request.interactions) <= 1000
    assert len(response.results) == len(request.interactions)
    for row in response.results:
        is_rejected = row.result == feedback_pb2.RECORD_RESULT_REJECTED
        assert row.result != feedback_pb2.RECORD_RESULT_UNSPECIFIED
        assert bool(row.reason) is is_rejected
        assert bool(row.event_id) is not is_rejected
    assert response.position >= 0


def _judge_export(world: World, request: user_tower_pb2.ExportPersonRequest, response: Any) -> None:
    assert not response.HasField("person") or response.person.username == request.username


def _judge_position(world: World, request: Message, response: Any) -> None:
    assert response.position > 0


def _judge_people(world: World, request: Message, response: user_tower_pb2.ListPeopleResponse) -> None:
    assert len(response.usernames) <= 64
    assert set(response.usernames) <= set(world.usernames)


def _judge_read_mood(world: World, request: Message, response: user_tower_pb2.ReadMoodResponse) -> None:
    assert response.is_understood or response == user_tower_pb2.ReadMoodResponse()
    assert all(math.isfinite(family.weight) and family.weight > 0 for family in (*response.wanted, *response.avoided))


def _judge_titles(world: World, request: Message, response: post_index_pb2.ListStandInTitlesResponse) -> None:
    assert len(response.titles) <= 100


_JUDGES: Mapping[str, Callable[[World, Any, Any], None]] = {
    "GetFeed": _judge_feed,
    "ListTrending": _judge_trending,
    "GetSimilarPosts": _judge_similar,
    "GetFeeds": _judge_feeds,
    "UpsertPosts": _judge_upserted,
    "DeletePosts": _judge_written,
    "GetPosts": _judge_kept,
    "SetRule": _judge_written,
    "DeleteRule": _judge_written,
    "ListRules": _judge_rules,
    "SearchPosts": _judge_search,
    "RankPosts": _judge_ranked,
    "ReorderPosts": _judge_reordered,
    "GetShard": _judge_shard,
    "EncodeContext": _judge_context,
    "EncodePosts": _judge_post_embeddings,
    "GetEmbeddingSpace": _judge_spaces,
    "ListCategories": _judge_categories,
    "ReloadBundle": _judge_held,
    "GetHeldBundles": _judge_held,
    "Check": _judge_health,
    "RecordInteractions": _judge_recorded,
    "ListPeople": _judge_people,
    "ReadMood": _judge_read_mood,
    "ListStandInTitles": _judge_titles,
    "ExportPerson": _judge_export,
    "DeletePerson": _judge_position,
    "MergePeople": _judge_position,
}


@contextmanager
def open_world(fleet: Fleet, tally: Tally) -> Iterator[World]:
    """Connect to the processes and fetch some true answers."""
    bundle = open_bundle(current_bundle(fleet.bundles))
    posts, users = IndexPosts.read(bundle), KnownUsers.read(bundle)
    usernames = tuple(users.usernames[row] for row in np.argsort(-np.diff(users.offsets), kind="stable"))
    with ExitStack() as stack:
        channels = {name: stack.enter_context(grpc.insecure_channel(fleet.addresses[name])) for name in PROCESSES}

        def answer(process: str, method: str, request: Message) -> Any:
            rpc = rpc_of(process, method)
            return rpc.response.FromString(
                channels[process].unary_unary(rpc.path)(request.SerializeToString(), timeout=10)
            )

        contexts = [
            answer(TOWER, "EncodeContext", user_tower_pb2.EncodeContextRequest(username=username, mood=mood))
            for username, mood in zip(usernames[:3], ("calm", "😂", "not sad"), strict=True)
        ]
        counts = Counter(category_id for category_id in posts.category_ids.tolist() if category_id > 0)
        firsts = [
            feed_pb2.GetFeedRequest(username=username, category_id=category_id, mood=mood, exclude_post_ids=excluded)
            for username in usernames[:2]
            for category_id in (None, *list(counts)[:2])
            for mood, excluded in (("", []), ("calm", posts.post_ids[:3].tolist()))
        ]
        pages = [feed_pb2.GetFeedRequest() for _ in firsts]
        for page, first in zip(pages, firsts, strict=True):
            page.CopyFrom(first)
            page.page_token = answer(GATEWAY, "GetFeed", first).next_page_token
        yield World(
            fleet=fleet,
            tally=tally,
            channels=channels,
            bundle_id=bundle.bundle_id,
            category_of=dict(zip(posts.post_ids.tolist(), posts.category_ids.tolist(), strict=True)),
            served={
                post.post_id: (post, moment)
                for post, moment in zip(posts.posts, posts.created_ms.tolist(), strict=True)
            },
            post_counts=counts,
            usernames=usernames,
            user_embeddings=tuple(context.user_embedding for context in contexts),
            mood_embeddings=tuple(context.mood_embedding for context in contexts),
            pages=tuple(page for page in pages if page.page_token),
        )
