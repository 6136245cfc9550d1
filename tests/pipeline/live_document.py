"""A live_evaluation.json as `moodfeed evaluate --live` writes it, with more in it than the report reads."""

import json


def live_document(fingerprint: str) -> str:
    """Two kinds of moment, two methods, all variants; behind at a session's start, level at the next post."""
    return json.dumps(
        {
            "months": [{"split": "2026-01-01", "end": "2026-02-05", "people": 7}],
            "session_start": _asked(-0.05, -0.07, -0.03, standing="behind"),
            "next_post": _asked(0.01, -0.01, 0.03, standing="level"),
            "data_fingerprint": fingerprint,
        },
        sort_keys=True,
    )


def _asked(mean: float, low: float, high: float, *, standing: str) -> dict[str, object]:
    variants = ("frozen", "daily", "daily, live history", "live")
    metrics = {
        name: {
            "ndcg_at_10": {"mean": value, "low": value - 0.05, "high": value + 0.05},
            "hit_rate_at_10": {"mean": 0.3},
        }
        for name, value in zip(variants, (0.1, 0.2, 0.25, 0.3), strict=True)
    }
    methods = {"two-tower": metrics, "category x trend": metrics, "trend": metrics, "co-visits": metrics}
    return {
        "groups": {"all": {"people": 7, "cases": 1234, "methods": methods}},
        "verdict": {
            "baseline": "category x trend",
            "difference": {"mean": mean, "low": low, "high": high},
            "standing": standing,
        },
        "ndcg_by_month": {},
    }
