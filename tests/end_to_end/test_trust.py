"""Three real processes with TLS on every port, certificates on both sides between them, and tokens."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import grpc
import httpx
import pytest
import yaml

from bundle.directory import current_bundle, open_bundle
from cli.certificates import write_certificates
from cli.stack import Addresses, running_stack
from moodfeed.bundle.v1 import bundle_pb2, bundle_pb2_grpc
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from rpc.channel import open_blocking_channel
from rpc.errors import read_error_info
from rpc.tls import ClientTls
from tests.certificate_files import CertificateFiles
from tests.end_to_end.conftest import free_addresses
from tests.end_to_end.test_processes import run_to_its_end
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
LIFETIME = timedelta(hours=1)


def moodfeed(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli", *map(str, arguments)],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def variables_of_the_secure_stack(secrets: Path) -> dict[str, str]:
    """The environment of docker-compose.secure.yml, with the directories that its containers see."""
    services = yaml.safe_load((ROOT / "docker-compose.secure.yml").read_text(encoding="utf-8"))["services"]
    variables: dict[str, str] = {}
    for name, service in services.items():
        for variable, value in service["environment"].items():
            own = value.replace("/operators/", f"{secrets}/operators/")
            variables[variable] = own.replace("/secrets/", f"{secrets}/{name}/") if own == value else own
    return variables


@dataclass(frozen=True, slots=True)
class Secured:
    secrets: Path
    logs: Path
    addresses: Addresses
    username: str
    api_token: str
    admin_token: str

    @property
    def tls(self) -> ClientTls:
        return ClientTls(*(self.secrets / "client" / f"{name}.pem" for name in ("authority", "certificate", "key")))

    @property
    def options(self) -> list[object]:
        tls = self.tls
        return ["--authority", tls.authority, "--certificate", tls.certificate, "--key", tls.key]


@pytest.fixture(scope="module")
def secured(small_bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    secrets, logs = tmp_path_factory.mktemp("trust") / "secrets", tmp_path_factory.mktemp("logs")
    write_certificates(secrets, lifetime=LIFETIME)
    api_token = moodfeed("make-token", "web", "--file", secrets / "gateway" / "api-tokens").stdout.strip()
    admin_token = moodfeed("make-token", "ops", "--file", secrets / "operators" / "admin-tokens").stdout.strip()
    username = next(iter(open_bundle(current_bundle(small_bundles)).manifest.canaries)).username
    made = Secured(secrets, logs, free_addresses(), username, api_token, admin_token)
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as environment:  # until they run: other tests of this module have their own
            for name, value in variables_of_the_secure_stack(secrets).items():
                environment.setenv(name, value)
            environment.setenv("MOODFEED_POST_INDEX_METRICS_PORT", "0")
            environment.setenv("MOODFEED_USER_TOWER_METRICS_PORT", "0")
            stack.enter_context(running_stack(small_bundles, made.addresses, logs=logs, tls=made.tls))
        yield made


def asked(secured: Secured, token: str | None = None) -> subprocess.CompletedProcess[str]:
    address = secured.addresses.gateway_grpc
    variables = {"MOODFEED_API_TOKEN": secured.api_token if token is None else token}
    return moodfeed("feed", secured.username, "--json", "--address", address, *secured.options, **variables)


def held_bundles(secured: Secured, address: str, tls: ClientTls | None, token: str) -> str:
    with open_blocking_channel(address, tls) as channel:
        return (
            bundle_pb2_grpc.BundleServiceStub(channel)
            .GetHeldBundles(
                bundle_pb2.GetHeldBundlesRequest(), metadata=[("authorization", f"Bearer {token}")], timeout=10
            )
            .current_bundle_id
        )


def test_the_command_gets_a_feed_with_a_token_and_none_without(secured: Secured) -> None:
    assert asked(secured).returncode == 0
    refused = asked(secured, token="")
    assert refused.returncode == 1
    assert "UNAUTHENTICATED" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_https_gives_the_same_feed(secured: Secured) -> None:
    files = CertificateFiles(secured.secrets / "client")
    reply = httpx.get(
        f"https://{secured.addresses.gateway_http}/feed",
        params={"username": secured.username},
        headers={"authorization": f"Bearer {secured.api_token}"},
        verify=files.ssl_context(),
    )
    assert (reply.status_code, len(reply.json()["posts"])) == (200, 10)


@pytest.mark.parametrize("process", ["user_tower", "post_index"])
def test_a_compute_service_talks_to_certificates_and_to_operators_only(secured: Secured, process: str) -> None:
    address = getattr(secured.addresses, process)
    assert len(held_bundles(secured, address, secured.tls, secured.admin_token)) == 64
    with pytest.raises(grpc.RpcError) as caught:
        held_bundles(secured, address, secured.tls, secured.api_token)
    assert read_error_info(caught.value).reason == "ADMIN_TOKEN_INVALID"
    for wrong in (ClientTls(secured.tls.authority), None):
        with pytest.raises(grpc.RpcError) as caught:
            held_bundles(secured, address, wrong, secured.admin_token)
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE


def test_the_operators_command_reaches_processes_over_tls(secured: Secured, small_bundles: Path) -> None:
    tls = secured.tls
    variables = {
        "MOODFEED_AUTHORITY": str(tls.authority),
        "MOODFEED_CERTIFICATE": str(tls.certificate),
        "MOODFEED_KEY": str(tls.key),
        "MOODFEED_ADMIN_TOKEN": secured.admin_token,
        "COLUMNS": "200",
    }
    asked_of = ("--process", secured.addresses.user_tower, "--process", secured.addresses.post_index)
    listed = moodfeed("bundles", "--bundles", small_bundles, *asked_of, **variables)
    held = current_bundle(small_bundles).name[:12]
    assert [held in line for line in listed.stdout.splitlines() if "127.0.0.1:" in line] == [True, True]


@pytest.mark.parametrize("process", ["gateway_grpc", "user_tower", "post_index"])
def test_the_probe_of_the_containers_knows_tls(secured: Secured, process: str) -> None:
    def probed(*options: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "rpc/lean_probe.py", getattr(secured.addresses, process), *options],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout.strip()

    names = ("authority", "certificate", "key")
    assert probed(*(f"--{name}={getattr(secured.tls, name)}" for name in names)) == (0, "SERVING")
    assert probed(f"--authority={secured.tls.authority}")[0] == (0 if process == "gateway_grpc" else 1)
    assert probed() == (1, "NOT_SERVING")


def test_all_processes_change_to_another_authority_without_a_restart(secured: Secured) -> None:
    gateway_log = secured.logs / "gateway.log"
    connected = gateway_log.read_text(encoding="utf-8").count("replica serving")
    assert connected >= 2
    (secured.secrets / "authority.key").unlink()
    old = secured.tls.authority.read_bytes()
    write_certificates(secured.secrets, lifetime=LIFETIME)
    assert secured.tls.authority.read_bytes() != old

    def is_answered() -> bool:
        with open_blocking_channel(secured.addresses.gateway_grpc, secured.tls) as channel:
            try:
                answer = feed_pb2_grpc.FeedServiceStub(channel).GetFeed(
                    feed_pb2.GetFeedRequest(username=secured.username, strict=True),
                    metadata=[("authorization", f"Bearer {secured.api_token}")],
                    timeout=10,
                )
            except grpc.RpcError:
                return False
        return len(answer.posts) == 10

    # by new handshakes
    wait_until(lambda: gateway_log.read_text(encoding="utf-8").count("replica serving") >= connected + 2)
    wait_until(is_answered)
    for process in ("user_tower", "post_index"):
        address = getattr(secured.addresses, process)
        assert len(held_bundles(secured, address, secured.tls, secured.admin_token)) == 64


def test_no_secret_is_in_a_log(secured: Secured) -> None:
    asked(secured)
    logs = "".join(path.read_text(encoding="utf-8") for path in secured.logs.glob("*.log"))
    assert "serving" in logs
    for secret in (secured.api_token, secured.admin_token, "PRIVATE KEY"):
        assert secret not in logs


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("gateway", "MOODFEED_GATEWAY"),
        ("user_tower_service", "MOODFEED_USER_TOWER"),
        ("post_index_service", "MOODFEED_POST_INDEX"),
    ],
)
def test_no_process_starts_on_half_a_pair_or_in_plaintext_for_all(tmp_path: Path, name: str, prefix: str) -> None:
    files = CertificateFiles(tmp_path / "files").write()
    half = run_to_its_end(name, **{f"{prefix}_TLS_CERTIFICATE": str(files.certificate)})
    assert half.returncode == 2
    assert f"{prefix}_TLS_KEY" in half.stderr
    variable = f"{prefix}_GRPC_ADDRESS" if name == "gateway" else f"{prefix}_ADDRESS"
    plain = run_to_its_end(name, **{variable: "0.0.0.0:0"})
    assert plain.returncode == 2
    assert f"{variable}='0.0.0.0:0'" in plain.stderr
    assert "MOODFEED_ALLOW_PLAINTEXT" in plain.stderr
