"""`moodfeed post`, `rule` and `similar`, against a gateway that keeps what it is told."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from typer.testing import CliRunner, Result

from cli.catalog_client import MOST_BYTES, PostNameError, _parts, read_names
from cli.gateway_calls import CallRefusedError
from cli.progress import console
from cli.subcommands import app
from cli.told_posts import ToldPostsError, read_posts
from moodfeed.catalog.v1 import catalog_pb2, catalog_pb2_grpc
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from moodfeed.rules.v1 import rules_pb2, rules_pb2_grpc

ACCEPTED, REJECTED = catalog_pb2.UPSERT_RESULT_ACCEPTED, catalog_pb2.UPSERT_RESULT_REJECTED


@dataclass
class Gateway(
    catalog_pb2_grpc.CatalogServiceServicer, rules_pb2_grpc.RuleServiceServicer, feed_pb2_grpc.FeedServiceServicer
):
    """Rejects posts without a category; posts wait for their embeddings until they were asked for ``looks`` times."""

    looks: int = 0
    calls: list[object] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    kept: dict[int, catalog_pb2.Post] = field(default_factory=dict)
    rules: dict[str, rules_pb2.Rule] = field(default_factory=dict)

    def _note(self, request, context) -> None:
        self.calls.append(request)
        self.tokens += [value for name, value in context.invocation_metadata() if name == "authorization"]

    def UpsertPosts(self, request, context):  # noqa: N802
        self._note(request, context)
        results = []
        for post in request.posts:
            if not post.category_id:
                results.append(catalog_pb2.PostResult(result=REJECTED, reason="category_id: \x1b[31mmust be 1"))
                continue
            post_id = post.post_id or 4711
            self.kept[post_id] = post
            results.append(catalog_pb2.PostResult(result=ACCEPTED, post_id=post_id))
        return catalog_pb2.UpsertPostsResponse(position=7, results=results)

    def DeletePosts(self, request, context):  # noqa: N802
        self._note(request, context)
        return catalog_pb2.DeletePostsResponse(position=8)

    def GetPosts(self, request, context):  # noqa: N802
        self._note(request, context)
        self.looks -= 1
        state = catalog_pb2.POST_STATE_PENDING if self.looks >= 0 else catalog_pb2.POST_STATE_SERVED
        found = [
            catalog_pb2.KeptPost(post=self.kept[post_id], state=state, position=7)
            for post_id in request.post_ids
            if post_id in self.kept
        ]
        return catalog_pb2.GetPostsResponse(posts=found)

    def SetRule(self, request, context):  # noqa: N802
        self._note(request, context)
        self.rules[request.rule.name] = request.rule
        return rules_pb2.SetRuleResponse(position=9)

    def DeleteRule(self, request, context):  # noqa: N802
        self._note(request, context)
        if self.rules.pop(request.name, None) is None:
            context.abort(grpc.StatusCode.NOT_FOUND, "there is no rule with this name")
        return rules_pb2.DeleteRuleResponse(position=10)

    def ListRules(self, request, context):  # noqa: N802
        self._note(request, context)
        return rules_pb2.ListRulesResponse(rules=self.rules.values())

    def GetSimilarPosts(self, request, context):  # noqa: N802
        self._note(request, context)
        post = feed_pb2.FeedPost(post_id=50, title="loud", category_id=7, score=0.5, ranking_score=0.875)
        return feed_pb2.GetSimilarPostsResponse(posts=[post], bundle_id="ab" * 32)

    def ListCategories(self, request, context):  # noqa: N802
        return feed_pb2.ListCategoriesResponse()


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    servicer = Gateway()
    server = grpc.server(ThreadPoolExecutor(1))
    catalog_pb2_grpc.add_CatalogServiceServicer_to_server(servicer, server)
    rules_pb2_grpc.add_RuleServiceServicer_to_server(servicer, server)
    feed_pb2_grpc.add_FeedServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    monkeypatch.setenv("MOODFEED_GATEWAY_GRPC_ADDRESS", f"127.0.0.1:{port}")
    yield servicer
    server.stop(0).wait()


def run(*arguments: str, told: str = "", **environment: str) -> Result:
    return CliRunner().invoke(app, arguments, input=told, env={"COLUMNS": "120", **environment})


def test_a_post_is_added_with_its_fields(gateway: Gateway) -> None:
    done = run(
        *("post", "add", "7", "--category", "2", "--video", "https://a", "--title", "béla", "--emotion", "joy"),
        *("--emotion", "fear", "--owner", "ana", "--language", "en", "--external-id", "x", "--description", "d"),
        *(
            "--thumbnail",
            "https://b",
            "--category-name",
            "two",
            "--created-at",
            "2026-01-01T02:00:00+02:00",
            "--hidden",
        ),
    )
    assert (done.exit_code, done.stdout) == (0, "stored as 7 at position 7\n")
    post = catalog_pb2.Post(
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
        created_at=Timestamp(seconds=1_767_225_600),
        external_id="x",
    )
    assert gateway.calls == [catalog_pb2.UpsertPostsRequest(posts=[post])]


def test_a_post_is_added_by_its_id_at_the_source(gateway: Gateway) -> None:
    done = run("post", "add", "external:tt1", "--category", "2", "--video", "v")
    assert done.stdout == "stored as 4711 at position 7\n"
    (request,) = gateway.calls
    assert isinstance(request, catalog_pb2.UpsertPostsRequest)
    assert (request.posts[0].external_id, request.posts[0].HasField("post_id")) == ("tt1", False)
    done = run("post", "add", "external:tt1", "--external-id", "tt2", "--category", "2", "--video", "v")
    assert isinstance(done.exception, ToldPostsError)


def test_with_wait_it_says_when_the_post_is_visible(gateway: Gateway) -> None:
    gateway.looks = 2
    done = run("post", "add", "7", "--category", "2", "--video", "v", "--wait")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[1].startswith("visible after ")
    assert len(gateway.calls) == 4
    gateway.looks = 10**9
    done = run("post", "add", "7", "--category", "2", "--video", "v", "--wait", "--wait-seconds", "0")
    assert isinstance(done.exception, CallRefusedError)
    assert "not all posts are visible after 0 s" in str(done.exception)


def test_a_hidden_post_is_not_said_to_be_visible(gateway: Gateway) -> None:
    done = run("post", "add", "7", "--category", "2", "--video", "v", "--hidden", "--wait")
    assert (done.exit_code, done.stdout) == (0, "stored as 7 at position 7\n")
    assert len(gateway.calls) == 1


@pytest.mark.parametrize("form", ["list", "lines", "file"])
def test_many_posts_come_as_json(gateway: Gateway, form: str, tmp_path: Path) -> None:
    posts = [{"post_id": number, "category_id": 2, "video_link": "v"} for number in range(1, 131)]
    told = "\n".join(map(json.dumps, posts)) if form == "lines" else json.dumps(posts)
    path = "-"
    if form == "file":
        path, told = str(tmp_path / "posts.json"), ""
        Path(path).write_text(json.dumps(posts), encoding="utf-8")
    done = run("post", "add", "--json", path, told=told)
    assert (done.exit_code, done.stdout) == (0, "stored 130 of 130 posts at position 7\n")
    assert [len(call.posts) for call in gateway.calls] == [64, 64, 2]  # type: ignore[attr-defined]
    assert sorted(gateway.kept) == list(range(1, 131))


def test_a_rejected_post_is_named_and_the_others_are_stored(gateway: Gateway) -> None:
    told = json.dumps([{"post_id": 1, "category_id": 2}, {"post_id": 2}, {"post_id": 3, "category_id": 2}])
    done = run("post", "add", "--json", "-", told=told)
    assert done.exit_code == 1
    assert done.stdout == "stored 2 of 3 posts at position 7\n"
    assert done.stderr == "post 2 is rejected: category_id: <U+001B>[31mmust be 1\n"


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("", "contains no post"),
        ("[]", "contains no post"),
        ("{", "is neither JSON nor JSON Lines"),
        ('{"post_id": 1}\n{', "line 2 is not JSON"),
        ("[1]", "post 1 is not a JSON object"),
        (
            '[{"post_id": 1}, {"colour": "red"}]',
            'post 2: Message type "moodfeed.catalog.v1.Post" has no field named "colour"',
        ),
        ('{"post_id": "x"}', "post 1: "),
    ],
)
def test_posts_that_cannot_be_read_are_named(told: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "posts.json"
    path.write_text(told, encoding="utf-8")
    with pytest.raises(ToldPostsError) as caught:
        read_posts(path)
    assert str(caught.value).startswith(f"{path}: {words}")


def test_a_call_carries_no_more_than_the_gateway_takes() -> None:
    large = catalog_pb2.Post(description="😂" * 10_000, title="😂" * 10_000)
    parts = _parts([large] * 100)
    assert [post for part in parts for post in part] == [large] * 100
    assert all(catalog_pb2.UpsertPostsRequest(posts=part).ByteSize() <= MOST_BYTES for part in parts)
    assert len(parts) == 3


def test_posts_are_named_as_in_paths() -> None:
    assert read_names(["7", "external:tt1", "external:7"]) == ([7], ["tt1", "7"])
    for wrong in ("", "seven", "0", "-1", "7.0", "٣", "external:", str(2**63)):
        with pytest.raises(PostNameError, match="names no post"):
            read_names([wrong])


def test_one_of_a_post_and_a_file_is_named(gateway: Gateway) -> None:
    for arguments in ([], ["7", "--json", "-"]):
        done = run("post", "add", *arguments)
        assert done.exit_code == 2
        assert "name one post, or give --json FILE" in done.stderr


def test_posts_are_deleted_and_shown(gateway: Gateway) -> None:
    run(
        "post",
        "add",
        "7",
        "--category",
        "2",
        "--video",
        "v",
        "--title",
        "[red]seven",
        "--created-at",
        "2026-01-01T00:00Z",
    )
    shown = run("post", "show", "7")
    for words in ("post 7", "served, since position 7", "[red]seven", "2026-01-01T00:00:00Z"):
        assert words in shown.stdout
    assert json.loads(run("post", "show", "7", "--json").stdout)["posts"][0]["post"]["post_id"] == "7"
    assert run("post", "delete", "7", "external:tt1").stdout == "deleted at position 8\n"
    assert gateway.calls[-1] == catalog_pb2.DeletePostsRequest(post_ids=[7], external_ids=["tt1"])
    unknown = run("post", "show", "8")
    assert isinstance(unknown.exception, CallRefusedError)


def test_rules_are_set_listed_and_deleted(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "width", 120)  # COLUMNS is read once in a process
    done = run(
        *("rule", "set", "up", "boost", "--post", "7", "--post", "8", "--category", "2", "--owner", "ana"),
        *("--boost", "0.5", "--in-category", "3", "--from", "2026-01-01T00:00:00Z"),
    )
    assert (done.exit_code, done.stdout) == (0, "stored at position 9\n")
    assert gateway.rules["up"] == rules_pb2.Rule(
        name="up",
        action=rules_pb2.RULE_ACTION_BOOST,
        post_ids=[7, 8],
        category_ids=[2],
        owner_usernames=["ana"],
        boost=0.5,
        feed_category_id=3,
        starts_at=Timestamp(seconds=1_767_225_600),
    )
    listed = run("rule", "list").stdout
    for words in ("up", "boost +0.5", "7, 8, category 2, of ana", "category 3", "2026-01-01"):
        assert words in listed
    assert json.loads(run("rule", "list", "--json").stdout)["rules"][0]["name"] == "up"
    assert run("rule", "delete", "up").stdout == "deleted at position 10\n"
    gone = run("rule", "delete", "up")
    assert str(gone.exception) == "NOT_FOUND: there is no rule with this name"
    assert run("rule", "list").stdout == "There are no rules.\n"


def test_a_time_needs_its_offset(gateway: Gateway) -> None:
    for arguments in (
        ("rule", "set", "x", "hide", "--post", "7", "--until", "2026-01-01"),
        ("post", "add", "7", "--category", "2", "--video", "v", "--created-at", "yesterday"),
    ):
        done = run(*arguments)
        assert done.exit_code == 2
        assert "must be a time with its offset" in done.stderr
    assert gateway.calls == []


def test_similar_posts_are_asked_for_and_shown(gateway: Gateway) -> None:
    done = run("similar", "7", "--user", "ana", "--page-size", "3")
    assert done.exit_code == 0
    assert gateway.calls == [feed_pb2.GetSimilarPostsRequest(post_id=7, username="ana", page_size=3)]
    for words in ("Posts like 7, for ana", "loud", "0.875", "RANKING_SIMILAR"):
        assert words in done.stdout
    answer = json.loads(run("similar", "external:tt1", "--json").stdout)
    assert (answer["ranking"], answer["posts"][0]["post_id"]) == ("RANKING_SIMILAR", "50")
    assert gateway.calls[-1] == feed_pb2.GetSimilarPostsRequest(external_id="tt1", page_size=10)


def test_each_call_shows_the_token_that_is_for_it(gateway: Gateway) -> None:
    tokens = {"MOODFEED_API_TOKEN": "writer", "MOODFEED_ADMIN_TOKEN": "operator"}
    run("post", "delete", "7", **tokens)
    run("rule", "list", **tokens)
    run("similar", "7", "--json", **tokens)
    run("post", "delete", "7", MOODFEED_API_TOKEN="", MOODFEED_ADMIN_TOKEN="operator")
    assert gateway.tokens == ["Bearer writer", "Bearer operator", "Bearer writer", "Bearer operator"]
