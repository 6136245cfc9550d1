"""A term of a score whose numbers are computed before the rows are ranked."""

from dataclasses import dataclass

from post_index_service.codes import Rows, Scores


@dataclass(frozen=True, slots=True)
class KnownNumbers:
    """A term whose numbers are known: ``scores`` float32 [rows], none of them above ``reach``."""

    scores: Scores
    reach: float
    weight: float = 1.0

    @property
    def largest(self) -> float:
        """The reach."""
        return self.reach

    def of(self, rows: Rows) -> Scores:
        """The numbers of the given rows."""
        return self.scores[rows]
