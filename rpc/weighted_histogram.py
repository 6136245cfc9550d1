"""A histogram with weighted observations; the library counts one at a time, which takes a microsecond each."""

import threading
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector


@dataclass(slots=True)
class _Series:
    counts: list[int]
    sum: float = 0.0


class WeightedHistogram(Collector):
    """Every method may be called from several threads."""

    def __init__(
        self,
        name: str,
        documentation: str,
        *,
        buckets: Sequence[float],
        label: str = "",
        values: Sequence[str] = ("",),
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        """``buckets`` are ascending, without infinity. All ``values`` of the ``label`` are there from the start."""
        self._name, self._documentation, self._label = name, documentation, label
        self._buckets = [float(bucket) for bucket in buckets]
        self._lock = threading.Lock()
        self._series = {value: _Series([0] * (len(buckets) + 1)) for value in values}
        registry.register(self)

    def observe(self, number: float, *, times: int = 1, value: str = "") -> None:
        """Count a number ``times`` times under a ``value`` of the label; KeyError for an unknown value."""
        series = self._series[value]
        with self._lock:
            series.counts[bisect_left(self._buckets, number)] += times
            series.sum += number * times

    def collect(self) -> Iterator[Metric]:
        """The metric as it is now."""
        labels = [self._label] if self._label else []
        family = HistogramMetricFamily(self._name, self._documentation, labels=labels)
        with self._lock:
            for value, series in self._series.items():
                total, buckets = 0, []
                for bucket, count in zip([*map(str, self._buckets), "+Inf"], series.counts, strict=True):
                    total += count
                    buckets.append((bucket, float(total)))
                family.add_metric([value] if labels else [], buckets, series.sum)
        yield family
