"""A live_evaluation.json as `moodfeed evaluate --live` writes it."""

from pipeline.live_evaluation.live_results import Asked, LiveEvaluation, LiveGroup, LiveMetrics, LiveMonth, Verdict
from pipeline.live_evaluation.variants import Variant
from pipeline.paired_bootstrap import Difference
from pipeline.ranking import Estimate


def live_document(fingerprint: str) -> str:
    """Two kinds of moment, four methods, all variants; behind at a session's start, level at the next post."""
    return LiveEvaluation(
        months=(LiveMonth("2026-01-01", "2026-02-05", 7, 3, 100, 1234, 7),),
        session_start=_asked(Difference(-0.05, -0.07, -0.03)),
        next_post=_asked(Difference(0.01, -0.01, 0.03)),
        data_fingerprint=fingerprint,
    ).as_json()


def _asked(difference: Difference) -> Asked:
    ndcg = zip(Variant, (0.1, 0.2, 0.25, 0.3), strict=True)
    metrics = {
        variant.value: LiveMetrics(Estimate(mean, mean - 0.05, mean + 0.05), *[Estimate(0.3, 0.2, 0.4)] * 2)
        for variant, mean in ndcg
    }
    methods = dict.fromkeys(("two-tower", "category x trend", "trend", "co-visits"), metrics)
    return Asked(
        groups={"all": LiveGroup(7, 1234, methods)},
        verdict=Verdict("category x trend", difference, difference.standing),
        ndcg_by_month={},
    )
