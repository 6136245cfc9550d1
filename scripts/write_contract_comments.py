"""Write the comments of the public protos as a Python module, for the OpenAPI document: generated code has none.

python scripts/write_contract_comments.py moodfeed/feed/v1/feed_comments.py
"""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

PROTOS = Path(__file__).parents[1] / "protos"
SOURCES = tuple(f"moodfeed/{name}/v1/{name}.proto" for name in ("feed", "feedback", "catalog", "rules"))


def read_file_descriptors() -> Sequence[FileDescriptorProto]:
    """Read the public protos with their comments."""
    with tempfile.TemporaryDirectory() as directory:
        output = Path(directory) / "descriptors"
        command = [sys.executable, "-m", "grpc_tools.protoc", "-I", PROTOS, "--include_source_info"]
        subprocess.run([*command, f"--descriptor_set_out={output}", *SOURCES], check=True)  # noqa: S603 - our own files
        return FileDescriptorSet.FromString(output.read_bytes()).file


def names_of(file: FileDescriptorProto) -> dict[tuple[int, ...], str]:
    """The full name of each message, field, enum, value, service and method, by its path in the file's descriptor."""
    names: dict[tuple[int, ...], str] = {}
    for number, outer, members_of in (
        (4, file.message_type, lambda message: message.field),
        (5, file.enum_type, lambda enum: enum.value),
        (6, file.service, lambda service: service.method),
    ):
        for index, item in enumerate(outer):
            names[number, index] = f"{file.package}.{item.name}"
            for member_index, member in enumerate(members_of(item)):
                names[number, index, 2, member_index] = f"{file.package}.{item.name}.{member.name}"
    return names


def main() -> None:
    """Write the module to the path on the command line."""
    lines = ['"""The comments of the public protos by full name; written by `make protos`."""', "", "COMMENTS = {"]
    for file in read_file_descriptors():
        names = names_of(file)
        for location in file.source_code_info.location:
            comment = " ".join(location.leading_comments.split())
            if comment and tuple(location.path) in names:
                lines.append(f'    "{names[tuple(location.path)]}": {comment!r},')
    Path(sys.argv[1]).write_text("\n".join([*lines, "}", ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
