"""Times as options give them."""

import typer
from google.protobuf.timestamp_pb2 import Timestamp

from rpc.moments import InvalidMomentError, read_rfc3339, timestamp_of


def read_moment_option(text: str, option: str) -> Timestamp | None:
    """The time that an option gives, with its offset; None if it is empty. A usage error names the option."""
    if not text:
        return None
    try:
        return timestamp_of(read_rfc3339(text))
    except InvalidMomentError as error:
        raise typer.BadParameter(f"{option} {error}") from error
