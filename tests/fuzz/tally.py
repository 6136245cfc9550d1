"""What became of the inputs: how many of each RPC or path ended with which status."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.faults.outcomes import record_outcome
from tests.fuzz.inputs import IS_LONG, SEED

OK = ("OK", "200")


@dataclass(slots=True)
class Tally:
    """Counts answers by the RPC or path that was asked; ``wrong`` are those that broke a property."""

    statuses: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    wrong: int = 0

    def count(self, asked: str, status: str) -> None:
        """One input was answered."""
        self.statuses[asked][status] += 1

    @contextmanager
    def judged(self, asked: str) -> Iterator[None]:
        """Count it as wrong, and say what was asked, if the block raises AssertionError."""
        try:
            yield
        except AssertionError as error:
            self.wrong += 1
            error.add_note(f"asked: {asked}")
            raise

    def table(self) -> str:
        """A Markdown table, a row for each RPC or path, a column for each status."""
        names = sorted({status for counts in self.statuses.values() for status in counts})
        lines = [["asked", "inputs", *names], ["---"] * (len(names) + 2)]
        total = sum(self.statuses.values(), Counter[str]())
        for asked, counts in [*sorted(self.statuses.items()), ("all", total)]:
            lines.append([asked, f"{counts.total():,}", *(f"{counts[name]:,}" for name in names)])
        rows = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
        return f"{rows}\n\n{self.wrong} wrong; seed {SEED if IS_LONG else 'fixed'}"

    def record(self, fault: str, *, injected: str) -> None:
        """Print the table, and put the outcomes among those of the faults."""
        print(f"\n{self.table()}")
        total = sum(self.statuses.values(), Counter[str]())
        answered = sum(total[name] for name in OK)
        wrong = min(self.wrong, answered)
        record_outcome(
            fault,
            injected=injected,
            requests=total.total(),
            answered=answered - wrong,
            failed=total.total() - answered,
            wrong=wrong,
        )
