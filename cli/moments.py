"""Times as options give them."""

from datetime import datetime

import typer
from google.protobuf.timestamp_pb2 import Timestamp


def read_moment(text: str, option: str) -> Timestamp | None:
    """The time that an option gives, with its offset; None if it is empty. A usage error names the option."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise typer.BadParameter(f"{option} must be a time with its offset, such as 2026-05-04T09:30:00Z")
    message = Timestamp()
    message.FromDatetime(moment)
    return message
