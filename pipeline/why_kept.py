"""Why the towers of an epoch are kept, in words: the rule of trained_towers.kept_epoch, with its figures."""

from collections.abc import Sequence

from pipeline.evaluation import fraction
from pipeline.ranking import CUTOFF
from pipeline.trained_towers import EpochReport, is_ranking_decisive, kept_epoch


def why_kept(epochs: Sequence[EpochReport]) -> str:
    """Sentences that say which epoch's towers are kept, by which rule, and what was measured after each epoch."""
    kept = kept_epoch(epochs)
    if not kept.validated:
        return f"The towers of the last epoch, {kept.epoch}, are kept: no interaction was held out to choose by."
    measured = f"NDCG@{CUTOFF} on {kept.validated:,} held-out interactions"
    by_epoch = ", ".join(f"{fraction(report.validation_ndcg_at_10)} ({report.epoch})" for report in epochs)
    if is_ranking_decisive(epochs):
        tie = sum(report.validation_ndcg_at_10 == kept.validation_ndcg_at_10 for report in epochs) > 1
        rule = "the last of those with the highest" if tie else "which has the highest"
        return f"The towers of epoch {kept.epoch} are kept, {rule} {measured}. By epoch: {by_epoch}."
    best = max(epochs, key=lambda report: (report.validation_ndcg_at_10, report.epoch))
    by_metric = "the same one" if best is kept else f"epoch {best.epoch}"
    return (
        f"The towers of the last epoch, {kept.epoch}, are kept because it is the last: {kept.validated:,} held-out "
        f"interactions are too few to tell which epoch ranks best. By {measured} it would be {by_metric}: {by_epoch}."
    )
