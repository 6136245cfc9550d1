"""The error of an import."""


class ImportSourceError(Exception):
    """A source cannot be imported: names the file, the fault and what to do."""


def temporary_files_fault(said: str) -> ImportSourceError:
    """The error of a disk that takes no more of what an import writes beside the clean tables."""
    return ImportSourceError(
        f"the import's temporary files cannot be written ({said}): free some space, or choose another disk with --data"
    )
