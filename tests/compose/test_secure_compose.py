"""docker-compose.secure.yml on a real engine: `make test-compose` runs it, for whoever has one."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from cli.certificates import write_certificates
from tests.compose.containers import PROJECT as OTHER
from tests.compose.containers import compose, remove_images

ROOT = Path(__file__).parents[2]
PROJECT = "moodfeed-secure-test"
SERVICES = ("gateway", "post_index_service", "user_tower_service")
ASK = """
import json, ssl, sys, urllib.error, urllib.request
path, token = sys.argv[1:]
request = urllib.request.Request("https://localhost:8000" + path, headers={"authorization": "Bearer " + token})
context = ssl.create_default_context(cafile="/secrets/authority.pem")
try:
    with urllib.request.urlopen(request, context=context, timeout=10) as reply:
        print(json.dumps([reply.status, json.load(reply)]))
except urllib.error.HTTPError as error:
    print(json.dumps([error.code, json.load(error)]))
"""
SCRAPE = """
import ssl, sys, urllib.request
context = ssl.create_default_context(cafile="/secrets/scraper.pem")
try:
    print(urllib.request.urlopen(sys.argv[1], context=context, timeout=10).read().decode())
except OSError as error:
    print("no HTTP:", error)
"""

pytestmark = pytest.mark.timeout(1800)


def settings_of(service: str) -> dict[str, str]:
    return yaml.safe_load((ROOT / "docker-compose.secure.yml").read_text(encoding="utf-8"))["services"][service][
        "environment"
    ]


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_tls_and_none_has_chosen_plaintext(service: str) -> None:
    settings = settings_of(service)
    assert settings["MOODFEED_ALLOW_PLAINTEXT"] == "false"
    assert {name.rpartition("_TLS_")[2] for name in settings if "_TLS_" in name} >= {"CERTIFICATE", "KEY"}


class SecureStack:
    def __init__(self, secrets: Path, own: Path) -> None:
        self.secrets = secrets
        self._own = own

    def compose(self, *arguments: str) -> str:
        files = ("docker-compose.yml", "docker-compose.secure.yml", str(self._own))
        done = subprocess.run(
            ["docker", "compose", "-p", PROJECT, *(part for file in files for part in ("-f", file)), *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=1700,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def ask(self, path: str, token: str) -> tuple[int, dict[str, object]]:
        code, document = json.loads(self.compose("exec", "-T", "gateway", "python", "-c", ASK, path, token))
        return code, document


@pytest.fixture(scope="module")
def tokens() -> dict[str, str]:
    return {}


@pytest.fixture(scope="module")
def stack(engine: None, tmp_path_factory: pytest.TempPathFactory, tokens: dict[str, str]) -> Iterator[SecureStack]:
    compose("run", "--rm", "--build", "bundle")  # the bundle of the other tests, or a new one
    secrets = tmp_path_factory.mktemp("trust") / "secrets"
    write_certificates(secrets, lifetime=timedelta(hours=1))
    for name, file in (("web", "gateway/api-tokens"), ("operator", "operators/admin-tokens")):
        command = [sys.executable, "-m", "cli", "make-token", name, "--file", str(secrets / file)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
        tokens[name] = done.stdout.strip()
    own = secrets.parent / "own.yml"  # other places for the secrets, and no port of this machine
    lines = ["services:"]
    for service in SERVICES:
        operators = "" if service == "gateway" else f", {secrets}/operators:/operators:ro"
        lines += [f"  {service}:", "    ports: !reset []", f"    volumes: [{secrets}/{service}:/secrets:ro{operators}]"]
    lines += ["volumes:"]
    lines += [f"  {volume}: {{ name: {OTHER}_{volume}, external: true }}" for volume in ("bundles", "data")]
    own.write_text("\n".join(lines) + "\n", encoding="utf-8")
    made = SecureStack(secrets, own)
    made.compose("up", "-d", "--build", "--wait")
    yield made
    made.compose("down", "--volumes", "--rmi", "local", "--timeout", "20")
    remove_images(PROJECT)


def test_the_gateway_answers_over_tls_to_whoever_has_a_token(stack: SecureStack, tokens: dict[str, str]) -> None:
    code, document = stack.ask("/categories", tokens["web"])
    assert code == 200
    assert document["categories"]
    code, document = stack.ask("/categories", "wrong")
    assert (code, document["error"]["reason"]) == (401, "API_TOKEN_INVALID")  # type: ignore[index]
    assert stack.ask("/readyz", "")[1] == {"status": "ready", "missing": [], "degraded": []}


def test_a_compute_service_shows_nothing_to_whoever_has_no_certificate(stack: SecureStack) -> None:
    probe = (
        "import sys; from rpc.probe import is_serving; from rpc.tls import ClientTls; from pathlib import Path as P; "
    )
    names = 'P("/secrets/authority.pem"), P("/secrets/certificate.pem"), P("/secrets/key.pem")'
    for address in ("user_tower_service:50051", "post_index_service:50052"):
        for trust, expected in ((f"ClientTls({names})", "True"), (f"ClientTls([{names}][0])", "False")):
            program = f"{probe} print(is_serving({address!r}, tls={trust}))"
            assert stack.compose("exec", "-T", "gateway", "python", "-c", program).strip() == expected


def test_a_scraper_reads_metrics_over_https_alone(stack: SecureStack) -> None:
    (stack.secrets / "gateway" / "scraper.pem").write_bytes((stack.secrets / "scraper" / "authority.pem").read_bytes())
    for address, metric in (
        ("gateway:8000", "moodfeed_downstream_replicas_well"),
        ("user_tower_service:9101", "moodfeed_bundle_held"),
        ("post_index_service:9102", "moodfeed_bundle_held"),
    ):
        assert metric in stack.compose("exec", "-T", "gateway", "python", "-c", SCRAPE, f"https://{address}/metrics")
        assert "no HTTP" in stack.compose("exec", "-T", "gateway", "python", "-c", SCRAPE, f"http://{address}/metrics")


def test_new_certificates_are_taken_in_by_running_containers(stack: SecureStack, tokens: dict[str, str]) -> None:
    (stack.secrets / "authority.key").unlink()
    before = (stack.secrets / "gateway" / "authority.pem").read_bytes()
    write_certificates(stack.secrets, lifetime=timedelta(hours=1))
    assert (stack.secrets / "gateway" / "authority.pem").read_bytes() != before
    assert stack.ask("/categories", tokens["web"])[0] == 200  # by the new authority, as the container sees it
