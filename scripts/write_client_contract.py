"""Write the contract's code into the clients: Python by grpcio-tools, TypeScript by protoc-gen-es where Node is there.

    python scripts/write_client_contract.py [--python-only]

The Python code lives in a descriptor pool of its own, so that it can be imported beside the server's ``moodfeed``.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import google.rpc
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)

ROOT = Path(__file__).parents[1]
PROTOS = ROOT / "protos"
PYTHON = Path("clients/python/moodfeed_client/contract")
TYPESCRIPT = Path("clients/typescript/src/contract")
PUBLIC = ("catalog", "feed", "feedback", "rules")
"""The packages of the contract that the gateway serves."""

_SOURCES = tuple(f"moodfeed/{name}/v1/{name}.proto" for name in PUBLIC)
_GOOGLE_SOURCES = ("google/rpc/error_details.proto",)
_OPTIONS = {  # the messages whose fields are keyword arguments, and the fields that are arguments of their own
    "GetFeedRequest": ("FeedOptions", {"username"}),
    "GetSimilarPostsRequest": ("SimilarOptions", {"post_id", "external_id"}),
    "ListTrendingRequest": ("TrendingOptions", set()),
    "Interaction": ("InteractionOptions", {"username", "verb"}),
}
_TYPES = {
    FieldDescriptorProto.TYPE_STRING: "str",
    FieldDescriptorProto.TYPE_BOOL: "bool",
    FieldDescriptorProto.TYPE_INT32: "int",
    FieldDescriptorProto.TYPE_INT64: "int",
    FieldDescriptorProto.TYPE_FLOAT: "float",
    FieldDescriptorProto.TYPE_ENUM: "int",
}
_LINE = 116


def contract_digest() -> str:
    """The sha256 of the public protos, in hexadecimal digits."""
    content = b"".join(f"{source}\n".encode() + (PROTOS / source).read_bytes() for source in _SOURCES)
    return sha256(content).hexdigest()


def write_python(root: Path) -> None:
    """Write the Python client's generated files below ``root``."""
    directory = root / PYTHON
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        _run_protoc(f"--python_out={scratch}", f"--pyi_out={scratch}", *_SOURCES)
        for name in PUBLIC:
            made = Path(scratch) / "moodfeed" / name / "v1"
            code = _in_our_pool((made / f"{name}_pb2.py").read_text(encoding="utf-8"), name)
            (directory / f"{name}_pb2.py").write_text(code, encoding="utf-8")
            stub = _taking_any_number((made / f"{name}_pb2.pyi").read_text(encoding="utf-8"))
            (directory / f"{name}_pb2.pyi").write_text(stub, encoding="utf-8")
    files = _file_descriptors()
    (directory / "enums.py").write_text("\n".join(_enums(files)) + "\n", encoding="utf-8")
    (directory / "options.py").write_text("\n".join(_options(files)) + "\n", encoding="utf-8")
    digest = f'"""Which contract this code was generated from."""\n\nCONTRACT_DIGEST = "{contract_digest()}"\n'
    (directory / "digest.py").write_text(digest, encoding="utf-8")


def write_typescript(root: Path) -> None:
    """Write the TypeScript client's generated files below ``root``, by the plugin in its node_modules."""
    directory = root / TYPESCRIPT
    directory.mkdir(parents=True, exist_ok=True)
    plugin = ROOT / "clients/typescript/node_modules/.bin/protoc-gen-es"
    es = (f"--plugin=protoc-gen-es={plugin}", f"--es_out={directory}", "--es_opt=target=ts,import_extension=js")
    _run_protoc(*es, *_SOURCES)
    _run_protoc(*es, *_GOOGLE_SOURCES, include=Path(next(iter(google.rpc.__path__))).parents[1])
    digest = (
        "/** The sha256 of the protos that this code was generated from. */\n"
        f'export const CONTRACT_DIGEST = "{contract_digest()}";\n'
    )
    (directory / "digest.ts").write_text(digest, encoding="utf-8")


def _run_protoc(*arguments: str, include: Path = PROTOS) -> None:
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", "-I", include, *arguments], check=True)  # noqa: S603 - our own files


def _in_our_pool(code: str, name: str) -> str:
    """The generated module with its file in our pool instead of the default one of the process."""
    lines = (
        (f"'moodfeed.{name}.v1.{name}_pb2'", f"'moodfeed_client.contract.{name}_pb2'"),
        ("_descriptor_pool.Default().AddSerializedFile(", "_POOL.AddSerializedFile("),
        (
            "from google.protobuf import descriptor_pool as _descriptor_pool\n",
            "from moodfeed_client.contract.pool import POOL as _POOL\n",
        ),
        (
            "from google.protobuf import timestamp_pb2 as google_dot_protobuf_dot_timestamp__pb2\n",
            "from google.protobuf import timestamp_pb2 as google_dot_protobuf_dot_timestamp__pb2  # noqa\n",
        ),
    )
    for before, after in lines:
        if before not in code:
            raise SystemExit(f"protoc writes other code than it did: {before!r} is not in {name}_pb2.py")
        code = code.replace(before, after)
    return code


def _taking_any_number(stub: str) -> str:
    """The stub with enum arguments that take our IntEnums as well as protobuf's own values, and no bare Mapping."""
    stub = re.sub(r"_Optional\[_Union\[(\w+), str\]\]", r"_Optional[_Union[\1, int, str]]", stub)
    return stub.replace("_Mapping]", "_Mapping[str, object]]")


def _file_descriptors() -> list[FileDescriptorProto]:
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch) / "descriptors"
        _run_protoc("--include_source_info", f"--descriptor_set_out={output}", *_SOURCES)
        return list(FileDescriptorSet.FromString(output.read_bytes()).file)


def _enums(files: list[FileDescriptorProto]) -> Iterator[str]:
    yield '"""The enums of the contract, their values by their short names; written by `make client-protos`."""'
    yield ""
    yield "from enum import IntEnum"
    for file in files:
        comments = _comments(file)
        for number, enum in enumerate(file.enum_type):
            yield from ("", "", f"class {enum.name}(IntEnum):")
            yield from _docstring(comments.get((5, number), ""), "    ")
            yield ""
            for index, value in enumerate(enum.value):
                yield f"    {_short_name(enum, value.name)} = {value.number}"
                yield from _docstring(comments.get((5, number, 2, index), ""), "    ")


def _short_name(enum: EnumDescriptorProto, name: str) -> str:
    prefix = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", enum.name).upper() + "_"
    return name.removeprefix(prefix)


def _options(files: list[FileDescriptorProto]) -> Iterator[str]:
    yield '"""The fields of requests as keyword arguments; written by `make client-protos`."""'
    yield ""
    yield "from collections.abc import Iterable"
    yield "from datetime import datetime"
    yield "from typing import TypedDict"
    for file in files:
        comments = _comments(file)
        for number, message in enumerate(file.message_type):
            if message.name in _OPTIONS:
                yield from _typed_dict(message, number, comments)


def _typed_dict(message: DescriptorProto, number: int, comments: dict[tuple[int, ...], str]) -> Iterator[str]:
    name, own_arguments = _OPTIONS[message.name]
    yield from ("", "", f"class {name}(TypedDict, total=False):")
    yield from _docstring(f"The other fields of a {message.name}.", "    ")
    yield ""
    for index, field in enumerate(message.field):
        if field.name not in own_arguments:
            yield f"    {field.name}: {_type_of(field)}"
            yield from _docstring(comments.get((4, number, 2, index), ""), "    ")


def _type_of(field: FieldDescriptorProto) -> str:
    one = "datetime" if field.type_name == ".google.protobuf.Timestamp" else _TYPES[field.type]
    return f"Iterable[{one}]" if field.label == FieldDescriptorProto.LABEL_REPEATED else one


def _comments(file: FileDescriptorProto) -> dict[tuple[int, ...], str]:
    return {tuple(item.path): " ".join(item.leading_comments.split()) for item in file.source_code_info.location}


def _docstring(text: str, indent: str) -> Iterator[str]:
    """The text as a docstring; its first sentence alone in the first line if all of it is too long for one."""
    if len(text) + len(indent) + 6 <= _LINE:
        yield f'{indent}"""{text}"""'
        return
    words, line = text.split(" "), f'{indent}"""'
    first = True
    for word in words:
        if len(line) + len(word) + 1 > _LINE:
            yield line.rstrip()
            line = indent
        line += word if first or line == indent else f" {word}"
        first = False
    yield line
    yield f'{indent}"""'


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python-only", action="store_true", help="leave the TypeScript client as it is")
    arguments = parser.parse_args()
    write_python(ROOT)
    if not arguments.python_only:
        write_typescript(ROOT)
