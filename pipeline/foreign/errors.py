"""The error of an import."""


class ImportSourceError(Exception):
    """A source cannot be imported: names the file, the fault and what to do."""
