"""A process that records batches until it is killed, and prints each event id once it is acknowledged.

python -m tests.store.writer_process URL NAME BATCHES ROWS FILING_BEGINS_AT
"""

import sys

from store import recent_events
from store.sql_store import open_store
from tests.store.rows import did


def main(url: str, name: str, batches: int, rows: int, filing_begins_at: int) -> None:
    recent_events.FILING_BEGINS_AT = filing_begins_at
    with open_store(url, pool_size=2) as store:
        for batch in range(batches):
            ids = [f"{name}:{batch}:{row}" for row in range(rows)]
            store.record([did(event_id, f"{name}:{row % 7}") for row, event_id in enumerate(ids)])
            print(*ids, sep="\n", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
