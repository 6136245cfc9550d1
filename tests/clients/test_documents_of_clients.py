"""Every block of the clients' pages is checked by a type checker and does what it says, against a real gateway.

The blocks record what people do, which may change feeds a minute later: they run after test_conformance.py has read.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from tests.clients.conftest import ROOT, TYPESCRIPT, run
from tests.clients.gateways import ALL_SCOPES, World

PAGES = ("clients/python/README.md", "clients/typescript/README.md", "docs/clients.md")


@dataclass(frozen=True, slots=True)
class Block:
    """The text of one block, and where it stands."""

    page: str
    number: int
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.number}"


def blocks(language: str) -> list[Block]:
    fence = re.compile(rf"^```{language}\n(.*?)^```", re.DOTALL | re.MULTILINE)
    return [
        Block(page, number, text)
        for page in PAGES
        for number, text in enumerate(fence.findall((ROOT / page).read_text(encoding="utf-8")), start=1)
    ]


def in_this_run(text: str, world: World) -> str:
    """The block with its names and addresses replaced."""
    opened, secure = world.gateways["open"], world.gateways["secure"]
    text = (
        text.replace("USERNAME", str(world.names["known"]))
        .replace("127.0.0.1:50050", str(opened["grpc"]))
        .replace("http://127.0.0.1:8000", str(opened["http"]))
        .replace("feeds.example.com:50050", str(secure["grpc"]))
        .replace("https://feeds.example.com", str(secure["http"]))
        .replace("authority.pem", str(world.authority))
        .replace("category_id=2", f"category_id={world.names['category_id']}")
        .replace("categoryId: 2", f"categoryId: {world.names['category_id']}")
    )
    default = re.compile(r"(MoodfeedClient|grpcClient)\((?=\)|timeout)")
    argument = {"MoodfeedClient": f'"{opened["grpc"]}", ', "grpcClient": f'{{ address: "{opened["grpc"]}" }}'}
    return default.sub(lambda found: f"{found[0]}{argument[found[1]]}", text)


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_a_python_block(block: Block, world: World, client_python: Path, tmp_path: Path) -> None:
    file = tmp_path / "block.py"
    file.write_text(block.text, encoding="utf-8")
    run([client_python, "-m", "mypy", "--strict", f"--cache-dir={ROOT / '.venv-clients' / 'mypy'}", file], tmp_path)
    file.write_text(in_this_run(block.text, world), encoding="utf-8")
    assert run([client_python, "-I", file], tmp_path, MOODFEED_API_TOKEN=ALL_SCOPES).strip()


@pytest.mark.parametrize("block", blocks("ts"), ids=str)
def test_a_typescript_block(block: Block, world: World, node_project: Path, tmp_path: Path) -> None:
    file = node_project / "block.ts"
    file.write_text(block.text, encoding="utf-8")
    binaries, types = TYPESCRIPT / "node_modules" / ".bin", TYPESCRIPT / "node_modules" / "@types"
    options = json.loads((TYPESCRIPT / "tsconfig.json").read_text(encoding="utf-8"))["compilerOptions"]
    options = cast("dict[str, object]", options) | {"rootDir": ".", "typeRoots": [str(types)], "skipLibCheck": False}
    (node_project / "tsconfig.json").write_text(
        json.dumps({"compilerOptions": options, "files": ["block.ts"]}), encoding="utf-8"
    )
    run([binaries / "tsc", "--noEmit"], node_project)
    file.write_text(in_this_run(block.text, world), encoding="utf-8")
    run([binaries / "esbuild", file, "--format=esm", "--outfile=block.mjs"], node_project)
    variables = {"MOODFEED_API_TOKEN": ALL_SCOPES, "NODE_EXTRA_CA_CERTS": str(world.authority)}
    assert run(["node", "block.mjs"], node_project, **variables).strip()
