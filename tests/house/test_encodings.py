"""Text files are UTF-8 whatever the locale: every place that opens one says so.

ruff's PLW1514 finds the places whose types it can infer; this test finds the others by their names.
"""

import ast
import re
import subprocess
from pathlib import Path

from tests.house.parsed_files import nodes_of

ROOT = Path(__file__).parents[2]
_MODES = set("rwaxbt+")
_CANDIDATE = re.compile(rb"\b(read_text|write_text|open|fdopen|text|universal_newlines)\s*[(=]")  # parsing takes long


def names_no_encoding(call: ast.Call, *, may_start_children: bool) -> bool:
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    if keywords.keys() & {"encoding", None}:
        return False
    match call.func:
        case ast.Attribute(attr="read_text"):
            return True
        case ast.Attribute(attr="write_text"):
            return len(call.args) == 1
        case ast.Attribute(attr="open", value=ast.Name(id="tarfile" | "gzip" | "zipfile")):
            return False  # an archive, which holds bytes
        case ast.Name(id="open") | ast.Attribute(attr="open" | "fdopen"):
            return opens_text(call)
    return not may_start_children and bool(keywords.keys() & {"text", "universal_newlines"}) and starts_a_process(call)


def opens_text(call: ast.Call) -> bool:
    """Whether it opens a file in text mode: by a mode without b, or by none where a file is meant."""
    given = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    texts = [argument.value for argument in given if isinstance(argument, ast.Constant)]
    modes = [text for text in texts if isinstance(text, str) and text and set(text) <= _MODES]
    if modes:
        return not any("b" in mode for mode in modes)
    return isinstance(call.func, ast.Name) or not (call.args or call.keywords)


def starts_a_process(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr in {"run", "Popen", "check_output"}


def test_every_place_that_opens_a_text_names_its_encoding() -> None:
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in listed.decode().split():
        if not name.startswith("moodfeed/") and _CANDIDATE.search((ROOT / name).read_bytes()):
            found = [
                node.lineno
                for node in nodes_of(ROOT / name)
                if isinstance(node, ast.Call) and names_no_encoding(node, may_start_children=name.startswith("tests/"))
            ]
            assert not found, f"{name}: lines {found} open a text without encoding="
