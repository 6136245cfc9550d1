"""What a store holds afterwards beside what was acknowledged: what was lost, what was doubled, what was halved."""

from collections import Counter
from dataclasses import dataclass

from benchmarks.live.clients import DUPLICATE, LIKE, Caller, Did, results
from benchmarks.live.writers import Written
from store.sql_store import open_store

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Account:
    """Counts of rows, and of batches for ``halved``.

    ``lost`` were acknowledged and are not there; ``doubled`` are there more than once; ``again`` were acknowledged and
    yet accepted when they were sent again; ``strange`` were never sent; ``halved`` batches are there in part.
    """

    acknowledged: int
    kept: int
    lost: int
    doubled: int
    again: int
    strange: int
    halved: int


def account_for(written: Written, *, store_url: str, caller: Caller, only: str) -> Account:
    """Read the rows of the writers whose names begin with ``only``, and send all that were acknowledged once more."""
    with open_store(store_url) as store:
        events = (event for batch in store.events_up_to(store.position()) for event in batch)
        kept = Counter(event.event_id for event in events if event.event_id.startswith(only))
    acknowledged = list(dict.fromkeys(written.acknowledged))
    sizes = Counter(_batch_of(event_id) for event_id in written.sent)
    there = Counter(_batch_of(event_id) for event_id in kept)
    again = 0
    for first in range(0, len(acknowledged), _AT_ONCE):
        # Whatever else a repetition says, it changes nothing: other people, another post.
        rows = [Did(event_id, "somebody else", 1, LIKE) for event_id in acknowledged[first : first + _AT_ONCE]]
        again += sum(result != DUPLICATE for result in results(caller.record(rows)))
    return Account(
        acknowledged=len(acknowledged),
        kept=sum(kept.values()),
        lost=sum(event_id not in kept for event_id in acknowledged),
        doubled=sum(count - 1 for count in kept.values()),
        again=again,
        strange=sum(event_id not in written.sent for event_id in kept),
        halved=sum(there[batch] not in {0, size} for batch, size in sizes.items()),
    )


def _batch_of(event_id: str) -> str:
    return event_id.rpartition(":")[0]
