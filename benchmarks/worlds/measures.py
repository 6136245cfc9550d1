"""Every figure of one world: the ten rows and the acceptance rule."""

from benchmarks.worlds.behaviour import (
    measure_ages,
    measure_categories,
    measure_months,
    measure_newcomers,
    measure_owners,
    measure_sequence,
    measure_signs,
    measure_slowness,
    measure_tastes,
    measure_waves,
)
from benchmarks.worlds.frozen import measure_personal, measure_popularity
from benchmarks.worlds.live import measure_live
from benchmarks.worlds.records import Records
from benchmarks.worlds.texts import likeness_of
from benchmarks.worlds.windows import six_windows


def measure(records: Records) -> dict[str, float]:
    """All figures of a world by name; shares lie in 0..1."""
    windows = six_windows(records)
    likeness = likeness_of(records.texts)
    return (
        measure_categories(records)
        | measure_slowness(records)
        | measure_popularity(records, windows)
        | measure_ages(records)
        | measure_owners(records)
        | measure_sequence(records)
        | measure_waves(records, windows)
        | measure_newcomers(records)
        | measure_tastes(records, likeness)
        | measure_personal(records, windows, likeness)
        | measure_signs(records)
        | measure_months(records, windows)
        | measure_live(records, windows)
    )
