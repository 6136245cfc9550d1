"""`moodfeed like`, and the tokens that may be used for it."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from typer.testing import CliRunner

from cli.gateway_calls import CallRefusedError
from cli.subcommands import app
from moodfeed.feedback.v1 import feedback_pb2, feedback_pb2_grpc
from rpc.token_file import read_token_file


class Gateway(feedback_pb2_grpc.FeedbackServiceServicer):
    """Keeps what it is told, and rejects one post."""

    def __init__(self) -> None:
        self.told: list[feedback_pb2.Interaction] = []

    def RecordInteractions(self, request, context):  # noqa: N802
        self.told += request.interactions
        if request.interactions[0].post_id == 0:
            row = feedback_pb2.InteractionResult(
                result=feedback_pb2.RECORD_RESULT_REJECTED, reason="post_id: is no post"
            )
        else:
            row = feedback_pb2.InteractionResult(result=feedback_pb2.RECORD_RESULT_ACCEPTED, event_id="made-1")
        return feedback_pb2.RecordInteractionsResponse(position=7, results=[row])


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch):
    servicer = Gateway()
    server = grpc.server(ThreadPoolExecutor(1))
    feedback_pb2_grpc.add_FeedbackServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    monkeypatch.setenv("MOODFEED_GATEWAY_GRPC_ADDRESS", f"127.0.0.1:{port}")
    yield servicer
    server.stop(0).wait()


def test_a_like_is_told_to_the_gateway_and_its_position_is_printed(gateway: Gateway) -> None:
    done = CliRunner().invoke(app, ["like", "ana", "895"])
    assert (done.exit_code, done.stdout) == (0, "recorded as made-1 at position 7\n")
    assert gateway.told == [feedback_pb2.Interaction(username="ana", post_id=895, verb=feedback_pb2.VERB_LIKE)]


def test_another_verb_may_be_named(gateway: Gateway) -> None:
    assert CliRunner().invoke(app, ["like", "ana", "895", "--verb", "not-interested"]).exit_code == 0
    assert gateway.told[0].verb == feedback_pb2.VERB_NOT_INTERESTED


def test_a_rejection_is_an_error_in_one_line(gateway: Gateway) -> None:
    done = CliRunner().invoke(app, ["like", "ana", "0"])
    assert isinstance(done.exception, CallRefusedError)
    assert str(done.exception) == "REJECTED: post_id: is no post"


def test_a_token_is_made_for_what_is_named(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    for arguments in (["web"], ["app", "--scope", "feedback"], ["all", "--scope", "feeds", "--scope", "feedback"]):
        assert CliRunner().invoke(app, ["make-token", *arguments, "--file", str(tokens)]).exit_code == 0
    entries = read_token_file(tokens, scopes=("feeds", "feedback"))
    assert [(entry.name, set(entry.scopes)) for entry in entries] == [
        ("web", set()),
        ("app", {"feedback"}),
        ("all", {"feeds", "feedback"}),
    ]


@pytest.mark.parametrize("command", ["run", "serve"])
def test_the_help_says_where_what_people_do_is_kept(command: str) -> None:
    text = re.sub(r"\s+", " ", CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"}).stdout)
    assert "What people do is kept in store.sqlite below --data, unless MOODFEED_STORE_URL names another store." in text
