"""The people who use a product while something happens to it: readers and writers, shared out among its gateways."""

from collections.abc import Sequence

from benchmarks.live.readers import Reader
from benchmarks.live.writers import Writer, rows_of

_READ_USERS = 20


def callers_of(
    gateways: Sequence[str], *, what: str, users: int, writers: int, readers: int, batch: int
) -> tuple[list[Writer], list[Reader]]:
    """Writers of batches of rows about ``users``, and readers of a few known users' feeds; none is started yet."""
    rows = rows_of(users=users, posts=1000, size=batch)
    usernames = [f"user{user}" for user in range(_READ_USERS)]
    return (
        [Writer(f"{what} {number}", gateways[number % len(gateways)], rows) for number in range(writers)],
        [Reader(f"reader {number}", gateways[number % len(gateways)], usernames) for number in range(readers)],
    )
