"""The commands over real bundles, and over real servers of the bundle service that answer as told."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest
from google.protobuf.any_pb2 import Any
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from typer.testing import CliRunner

from bundle.directory import current_bundle, previous_bundle
from cli.__main__ import main
from cli.subcommands import app
from moodfeed.bundle.v1 import bundle_pb2, bundle_pb2_grpc
from tests.tiny_bundle import write_tiny_bundle


@dataclass
class Process(bundle_pb2_grpc.BundleServiceServicer):
    """A compute process that takes in what is current, or refuses it."""

    root: Path
    refuses: str = ""
    tokens: list[str] = field(default_factory=list)

    def ReloadBundle(self, request, context):  # noqa: N802
        self._note_token(context)
        if self.refuses:
            detail = Any()
            detail.Pack(error_details_pb2.ErrorInfo(reason="BUNDLE_REFUSED", domain="moodfeed"))
            code = grpc.StatusCode.FAILED_PRECONDITION.value[0]
            context.abort_with_status(
                rpc_status.to_status(status_pb2.Status(code=code, message=self.refuses, details=[detail]))
            )
        return bundle_pb2.ReloadBundleResponse(current_bundle_id=current_bundle(self.root).name, changed=True)

    def GetHeldBundles(self, request, context):  # noqa: N802
        self._note_token(context)
        previous = previous_bundle(self.root)
        return bundle_pb2.GetHeldBundlesResponse(
            current_bundle_id=current_bundle(self.root).name, previous_bundle_id=previous.name if previous else ""
        )

    def _note_token(self, context) -> None:
        self.tokens.append(dict(context.invocation_metadata()).get("authorization", ""))


@contextmanager
def serving(process: Process | None) -> Iterator[str]:
    """The address of a server with the process's service, or with none."""
    server = grpc.server(ThreadPoolExecutor(2))
    if process:
        bundle_pb2_grpc.add_BundleServiceServicer_to_server(process, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(0).wait()


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process of this machine is asked, and nothing is cut off on the screen."""
    for name in ("MOODFEED_USER_TOWER_ADDRESS", "MOODFEED_POST_INDEX_ADDRESS"):
        monkeypatch.setenv(name, "127.0.0.1:1")
    monkeypatch.delenv("MOODFEED_ADMIN_TOKEN", raising=False)
    monkeypatch.setattr("cli.progress.console._width", 160)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "bundles"


@pytest.fixture
def bundles(root: Path) -> list[Path]:
    return [write_tiny_bundle(root, seed=seed, created_at=f"2026-01-0{seed + 1}") for seed in range(3)]


def ask(*arguments: str | Path, exit_code: int = 0) -> str:
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == exit_code, result.output
    return result.output


def refusal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    monkeypatch.setattr(sys, "argv", ["moodfeed", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def test_publish_points_current_at_it_and_removes_old_ones(root: Path, bundles: list[Path]) -> None:
    output = ask("publish", bundles[2].name[:8], "--bundles", root, "--keep", "1", "--no-reload")
    assert f"Bundle {bundles[2].name} is current" in output
    assert all(f"Removed {path.name}" in output for path in bundles[:2])
    assert current_bundle(root) == bundles[2].resolve()
    assert "process" not in output


def test_publish_takes_in_a_directory_from_elsewhere(root: Path, tmp_path: Path) -> None:
    source = write_tiny_bundle(tmp_path / "elsewhere")
    ask("publish", source, "--bundles", root, "--no-reload")
    assert current_bundle(root) == (root / source.name).resolve()


def test_publish_names_what_is_wrong_and_the_old_one_stays(
    root: Path, bundles: list[Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ask("publish", bundles[0].name, "--bundles", root, "--no-reload")
    (bundles[1] / "index.safetensors").write_bytes(b"damaged")
    error = refusal(monkeypatch, capsys, "publish", bundles[1].name, "--bundles", root)
    assert "index.safetensors: is truncated" in error
    assert current_bundle(root) == bundles[0].resolve()


def test_publish_of_an_unknown_id_is_one_line(
    root: Path, bundles: list[Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = refusal(monkeypatch, capsys, "publish", "00000000", "--bundles", root)
    assert "no bundle whose id begins with 00000000" in error


def test_publish_tells_the_processes_and_shows_what_each_serves(root: Path, bundles: list[Path]) -> None:
    with serving(Process(root)) as first, serving(Process(root)) as second:
        output = ask("publish", bundles[1].name, "--bundles", root, "--process", first, "--process", second)
    for address in (first, second):
        assert f"{address} │ {bundles[1].name[:12]}" in output


def test_a_process_that_refuses_is_shown_with_its_reason_and_the_exit_code_is_1(
    root: Path, bundles: list[Path]
) -> None:
    with serving(Process(root, refuses="canary 3 differs")) as bad, serving(Process(root)) as good:
        output = ask("publish", bundles[1].name, "--bundles", root, "--process", bad, "--process", good, exit_code=1)
    assert "BUNDLE_REFUSED: canary 3 differs" in output
    assert f"{good} │ {bundles[1].name[:12]}" in output
    assert current_bundle(root) == bundles[1].resolve()


def test_a_process_of_another_kind_is_a_refusal(root: Path, bundles: list[Path]) -> None:
    with serving(None) as other:
        output = ask("publish", bundles[1].name, "--bundles", root, "--process", other, exit_code=1)
    assert "holds no bundles" in output


def test_a_named_process_that_is_not_there_is_a_failure_and_a_default_one_is_not(
    root: Path, bundles: list[Path]
) -> None:
    output = ask("publish", bundles[1].name, "--bundles", root, "--process", "127.0.0.1:1", exit_code=1)
    assert "no process answers here" in output
    assert "no process answers here" in ask("publish", bundles[1].name, "--bundles", root)


def test_the_default_processes_are_where_their_own_variables_put_them(
    root: Path, bundles: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(Process(root)) as tower, serving(Process(root)) as index:
        monkeypatch.setenv("MOODFEED_USER_TOWER_ADDRESS", tower)
        monkeypatch.setenv("MOODFEED_POST_INDEX_ADDRESS", index)
        output = ask("publish", bundles[0].name, "--bundles", root)
    assert f"{tower} │ {bundles[0].name[:12]}" in output
    assert f"{index} │ {bundles[0].name[:12]}" in output


@pytest.mark.parametrize(("token", "sent"), [("", ""), ("secret", "Bearer secret")])
def test_the_admin_token_is_sent_where_there_is_one(
    root: Path, bundles: list[Path], monkeypatch: pytest.MonkeyPatch, token: str, sent: str
) -> None:
    monkeypatch.setenv("MOODFEED_ADMIN_TOKEN", token)
    process = Process(root)
    with serving(process) as address:
        output = ask("publish", bundles[0].name, "--bundles", root, "--process", address)
        output += ask("bundles", "--bundles", root, "--process", address)
    assert process.tokens == [sent, sent]
    assert "secret" not in output


def test_rollback_goes_back_tells_the_processes_and_goes_forward_again(root: Path, bundles: list[Path]) -> None:
    for directory in bundles[:2]:
        ask("publish", directory.name, "--bundles", root, "--no-reload")
    with serving(Process(root)) as address:
        output = ask("rollback", "--bundles", root, "--process", address)
        assert f"Bundle {bundles[0].name} is current" in output
        assert f"{address} │ {bundles[0].name[:12]}" in output
        ask("rollback", "--bundles", root, "--process", address)
    assert current_bundle(root) == bundles[1].resolve()
    ask("rollback", bundles[2].name[:10], "--bundles", root, "--no-reload")
    assert (current_bundle(root), previous_bundle(root)) == (bundles[2].resolve(), bundles[1].resolve())


def test_rollback_without_a_previous_one_is_one_line(
    root: Path, bundles: list[Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ask("publish", bundles[0].name, "--bundles", root, "--no-reload")
    assert "does not point to a bundle" in refusal(monkeypatch, capsys, "rollback", "--bundles", root)


def test_the_list_shows_roles_metrics_counts_and_who_serves_what(root: Path, bundles: list[Path]) -> None:
    for directory in bundles[:2]:
        ask("publish", directory.name, "--bundles", root, "--no-reload")
    (bundles[2] / "manifest.json").write_bytes(b"{")
    with serving(Process(root)) as address:
        output = ask("bundles", "--bundles", root, "--process", address, "--process", "127.0.0.1:1")
    rows = {line.split()[0]: line for line in output.splitlines() if line.strip()}
    assert [word for word in rows if any(word == path.name[:12] for path in bundles)] == [
        path.name[:12] for path in reversed(bundles)
    ]
    assert rows[bundles[1].name[:12]].split()[1] == "current"
    assert rows[bundles[0].name[:12]].split()[1] == "previous"
    assert rows[bundles[0].name[:12]].split()[4:] == ["5", "3", "4", "0.250", "0.125", "0", "MB"]
    assert "broken" in rows[bundles[2].name[:12]]
    assert "manifest.json: cannot be read as JSON" in rows["broken:"]
    assert f"{address} │ {bundles[1].name[:12]} │ {bundles[0].name[:12]}" in output
    assert "127.0.0.1:1 " in output
    assert "no process answers here" in output


def test_a_process_that_serves_a_bundle_of_another_root_is_told_apart(
    root: Path, bundles: list[Path], tmp_path: Path
) -> None:
    other = tmp_path / "other"
    ask("publish", write_tiny_bundle(other, seed=7), "--bundles", other, "--no-reload")
    with serving(Process(other)) as address:
        assert "this bundle is not in the bundles directory" in ask("bundles", "--bundles", root, "--process", address)
