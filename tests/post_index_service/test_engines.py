"""Which engine the settings ask for, and that Milvus's client costs nobody else anything."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from typer.testing import CliRunner

from cli.errors import is_expected
from cli.subcommands import app
from post_collection.server import MilvusUnavailableError, Server
from post_index_service.engines import engine_of
from post_index_service.filters import Filters
from post_index_service.milvus.expressions import expression_of
from post_index_service.milvus.scans import MilvusScans
from post_index_service.rankings import Ranking
from post_index_service.scans import Certainty, check_depth
from post_index_service.search_errors import EngineUnavailableError, PageTooDeepError
from post_index_service.settings import Settings
from rpc.environment import load_settings


def test_our_own_engine_is_the_default() -> None:
    assert engine_of(Settings()) is None


def test_nothing_of_milvus_is_imported_unless_it_is_asked_for() -> None:
    program = (
        "import sys; import post_index_service.__main__ as m; from post_index_service.settings import Settings; "
        "from post_index_service.engines import engine_of; engine_of(Settings()); "
        "names = ('pymilvus', 'pandas', 'post_index_service.milvus'); "
        "assert not [name for name in sys.modules if name.startswith(names)]"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "/a/file.db",
        "127.0.0.1:19530",
        "http://",
        "http://127.0.0.1:99999",
        "http://a b",
        "http://me:pw@db:1",
        "http://[::1]:19530",  # its client calls ::1:19530, which is no address
    ],
)
def test_what_is_no_url_of_a_milvus_server_is_refused_before_anything_is_loaded(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MOODFEED_POST_INDEX_MILVUS_URI", url)
    with pytest.raises(SystemExit) as ended:
        load_settings(Settings)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("MOODFEED_POST_INDEX_MILVUS_URI=")
    said = CliRunner().invoke(app, ["publish", "any", "--milvus", url])
    assert said.exit_code == 2
    assert "--milvus" in said.output
    assert ":pw@" not in said.output


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (["publish", "any", "--milvus", ""], "is not the URL of a server"),  # as of a variable that is not set
        (["rollback", "--milvus", ""], "is not the URL of a server"),
        (["publish", "any", "--milvus-index", "HNSW"], "give --milvus too"),
        (["rollback", "--milvus-index", "FLAT"], "give --milvus too"),
        (["publish", "any", "--to", "s3://bucket/p", "--milvus", "http://db:1"], "cannot be given beside --to"),
        (["publish", "any", "--to", "s3://bucket/p", "--process", "db:1"], "cannot be given beside --to"),
        (["publish", "any", "--to", "s3://bucket/p", "--milvus-index", "FLAT"], "cannot be given beside --to"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(command: list[str], reason: str) -> None:
    said = CliRunner().invoke(app, command, terminal_width=1000)
    assert said.exit_code == 2
    assert reason in " ".join(said.output.replace("│", " ").split())


class Refusing(grpc.GenericRpcHandler):
    """A server that answers every call with one status."""

    def __init__(self, code: grpc.StatusCode) -> None:
        self.code = code

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        def refuse(request: bytes, context: grpc.ServicerContext) -> bytes:
            context.abort(self.code, "words of the server, which may quote a query")
            return b""

        return grpc.unary_unary_rpc_method_handler(refuse)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (
            grpc.StatusCode.UNAUTHENTICATED,
            "refuses the user or the password: MOODFEED_POST_INDEX_MILVUS_TOKEN takes user:password",
        ),
        (grpc.StatusCode.UNAVAILABLE, "does not answer: list_collections; check that it runs and that this is its URL"),
    ],
)
def test_what_a_milvus_server_refuses_is_told_apart_from_silence(code: grpc.StatusCode, told: str) -> None:
    server = grpc.server(ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers((Refusing(code),))
    uri = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        with pytest.raises(MilvusUnavailableError) as refused:
            Server(uri, token="root:secret").ask("list_collections", seconds=5)
    finally:
        server.stop(None)
    assert str(refused.value) == f"Milvus at {uri} {told}"


def test_a_bundle_is_not_verified_for_a_milvus_server_that_does_not_answer() -> None:
    said = CliRunner().invoke(app, ["publish", "/none", "--milvus", "http://127.0.0.1:1"])
    assert isinstance(said.exception, MilvusUnavailableError)
    assert is_expected(said.exception)


@pytest.mark.parametrize(
    ("category_id", "filters", "without", "expected"),
    [
        (None, Filters(), (), ""),
        (3, Filters(), (), "category_id == 3"),
        (None, Filters(category_ids=(7, 2, 7)), (), "category_id in [2, 7]"),
        (
            None,
            Filters(excluded_category_ids=(2,), created_after_ms=5),
            (),
            "category_id not in [2] and created_ms > 5",
        ),
        (None, Filters(languages=("EN", "", 'd"e\\')), (), 'language in ["d\\"e\\\\", "en"]'),
        (2, Filters(), (5, 9), "category_id == 2 and post_id not in [5, 9]"),
    ],
)
def test_what_a_search_looks_at_is_an_expression(
    category_id: int | None, filters: Filters, without: tuple[int, ...], expected: str
) -> None:
    assert expression_of(category_id=category_id, filters=filters, without=without) == expected


def test_accounts_are_named_by_a_hash() -> None:
    expression = expression_of(category_id=None, filters=Filters(excluded_owner_usernames=("ana", "")))
    assert expression.startswith("owner not in [")
    assert "ana" not in expression


def test_a_ranking_made_without_the_engine_ends_with_its_first_page() -> None:
    whole, lacking = Certainty(), Certainty(unavailable_engine="MILVUS_UNAVAILABLE")
    assert whole.settle(10, has_more=True)
    assert not lacking.settle(0, has_more=True)
    with pytest.raises(EngineUnavailableError, match="MILVUS_UNAVAILABLE"):
        lacking.settle(10, has_more=True)


def test_only_rankings_by_vectors_have_a_depth() -> None:
    scans = MilvusScans(None, Certainty(), seconds=0.0)  # type: ignore[arg-type]  # it asks for nothing
    check_depth(16_384, scans, Ranking.USER, total=20_000)
    check_depth(20_000, scans, Ranking.POPULAR, total=20_000)
    check_depth(20_000, scans, Ranking.USER, total=16_384)
    with pytest.raises(PageTooDeepError):
        check_depth(16_385, scans, Ranking.USER, total=20_000)
