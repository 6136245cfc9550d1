"""The clients' generated code and versions are those of the contract; part of `make test`, without Node."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

from scripts.write_client_contract import PUBLIC, PYTHON, TYPESCRIPT, contract_digest, write_python

ROOT = Path(__file__).parents[2]


def in_a_process(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT / 'clients/python')!r})\n{program}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_generated_code_of_the_python_client_is_what_the_protos_say(tmp_path: Path) -> None:
    write_python(tmp_path)
    written = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / PYTHON).iterdir()}
    assert len(written) == 2 * len(PUBLIC) + 3
    committed = {name: (ROOT / PYTHON / name).read_text(encoding="utf-8") for name in written}
    assert committed == written, "run `make protos`"


def test_the_generated_code_of_the_typescript_client_is_of_these_protos() -> None:
    text = (ROOT / TYPESCRIPT / "digest.ts").read_text(encoding="utf-8")
    assert contract_digest() in text, "run `make client-protos`"


def test_both_clients_have_the_version_of_the_release_whose_contract_they_speak() -> None:
    release = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    python, typescript = ROOT / "clients" / "python", ROOT / "clients" / "typescript"
    found = {
        tomllib.loads((python / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"],
        in_a_process("import moodfeed_client; print(moodfeed_client.__version__)"),
        json.loads((typescript / "package.json").read_text(encoding="utf-8"))["version"],
        json.loads((typescript / "package-lock.json").read_text(encoding="utf-8"))["version"],
        re.findall(r'VERSION = "(.*)"', (typescript / "src" / "version.ts").read_text(encoding="utf-8"))[0],
    }
    assert found == {release}
    for client in (python, typescript):
        assert f"## {release}" in (client / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_client_lives_beside_the_servers_code_in_one_process_in_either_order() -> None:
    ours = "from moodfeed.feed.v1 import feed_pb2 as ours"
    theirs = "from moodfeed_client.contract import feed_pb2 as theirs"
    same = (
        "print(ours.GetFeedRequest.FromString(theirs.GetFeedRequest(username='ana', seen=2).SerializeToString()).seen)"
    )
    for first, second in ((ours, theirs), (theirs, ours)):
        assert (
            in_a_process(f"{first}\n{second}\n{same}\nassert ours.GetFeedRequest is not theirs.GetFeedRequest") == "2"
        )


def test_the_client_lives_beside_another_release_of_the_contract() -> None:
    program = """
from google.protobuf.descriptor_pool import Default
from google.protobuf.descriptor_pb2 import FileDescriptorProto
file = FileDescriptorProto(name="moodfeed/feed/v1/feed.proto", package="moodfeed.feed.v1", syntax="proto3")
file.message_type.add(name="FeedPost").field.add(name="of_later", number=99, type=9, label=1)
Default().AddSerializedFile(file.SerializeToString())
from moodfeed_client import MoodfeedClient, FeedPost
print(FeedPost.FromString(bytes([0x9a, 0x06, 1, 120, 8, 7])).post_id)
"""
    assert in_a_process(program) == "7"  # and a field of a later release is no error


def test_the_package_lock_names_no_registry_and_every_package_is_pinned() -> None:
    directory = ROOT / "clients" / "typescript"
    assert '"resolved"' not in (directory / "package-lock.json").read_text(encoding="utf-8")
    package = json.loads((directory / "package.json").read_text(encoding="utf-8"))
    pins = {**package["dependencies"], **package["devDependencies"]}
    assert [name for name, pin in pins.items() if not re.fullmatch(r"\d+\.\d+\.\d+", pin)] == []


def test_the_templates_of_other_languages_generate_the_public_packages() -> None:
    templates = sorted((ROOT / "clients" / "buf").glob("*.gen.yaml"))
    assert [path.name.partition(".")[0] for path in templates] == ["go", "java", "kotlin", "swift"]
    for path in templates:
        (source,) = yaml.safe_load(path.read_text(encoding="utf-8"))["inputs"]
        assert source == {"directory": "protos", "paths": [f"protos/moodfeed/{name}" for name in PUBLIC]}
        assert all((ROOT / name).is_dir() for name in source["paths"])
