"""What a file is by its first bytes, whatever its name says: a pipe or a workbook is refused before it is read."""

from pathlib import Path

from pipeline.foreign.errors import ImportSourceError
from pipeline.foreign.text_files import opened

_PARQUET = b"PAR1"
_UNPACK = "unpack it first"
_SAVE = "save the sheet as CSV in UTF-8"
_EXPORT = "export its tables as CSV, Parquet or JSON Lines"
_OTHERS = {
    b"PK\x03\x04": f"is a ZIP archive or an Excel workbook: unpack it, or {_SAVE}",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": f"is an Excel workbook: {_SAVE}",
    b"BZh": f"is compressed with bzip2: {_UNPACK}",
    b"\xfd7zXZ\x00": f"is compressed with xz: {_UNPACK}",
    b"\x28\xb5\x2f\xfd": f"is compressed with Zstandard: {_UNPACK}",
    b"7z\xbc\xaf\x27\x1c": f"is a 7z archive: {_UNPACK}",
    b"Rar!\x1a\x07": f"is a RAR archive: {_UNPACK}",
    b"SQLite format 3\x00": f"is a SQLite database: {_EXPORT}",
    b"ARROW1": f"is an Arrow file: {_EXPORT}",
    b"Obj\x01": f"is an Avro file: {_EXPORT}",
    b"\x89HDF\r\n": f"is an HDF5 file: {_EXPORT}",
    b"ORC": f"is an ORC file: {_EXPORT}",
    b"%PDF-": f"is a PDF: {_EXPORT}",
}
_TAR = (257, b"ustar")  # a tar archive says so after the name and the rights of its first file


def refuse_other_contents(path: Path) -> None:
    """ImportSourceError if a path is missing, is no file, or is a file that is neither text nor Parquet."""
    if not path.exists():
        raise ImportSourceError(f"{path} is missing")
    if not path.is_file():
        what = "is a directory" if path.is_dir() else "is a pipe or a device, and an import reads a file several times"
        raise ImportSourceError(f"{path} {what}: pass a file")
    with opened(path) as file:
        start = file.read(_TAR[0] + len(_TAR[1]))
    for magic, fault in _OTHERS.items():
        # Text may begin with a short mark, such as a column's name; what is packed holds other bytes after it.
        if start.startswith(magic) and (len(magic) > 3 or not start.isascii()):
            raise ImportSourceError(f"{path} {fault}")
    if start[_TAR[0] :] == _TAR[1]:
        raise ImportSourceError(f"{path} is a tar archive: {_UNPACK}")


def is_parquet(path: Path) -> bool:
    """Whether a file says that it is Parquet."""
    with path.open("rb") as file:
        return file.read(len(_PARQUET)) == _PARQUET
