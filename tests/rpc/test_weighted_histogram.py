"""A histogram of which one observation may count for several."""

import pytest
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from rpc.weighted_histogram import WeightedHistogram

BUCKETS = (0.5, 1, 10)


def test_it_is_exposed_as_the_librarys_own_would_be() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    weighted = WeightedHistogram("a_seconds", "What.", buckets=BUCKETS, label="kind", values=["x", "y"], registry=ours)
    plain = Histogram("a_seconds", "What.", ["kind"], buckets=BUCKETS, registry=theirs)
    plain.labels("x")
    for number, times in ((0.5, 2), (0.75, 1), (11, 3)):
        weighted.observe(number, times=times, value="y")
        for _ in range(times):
            plain.labels("y").observe(number)
    without_creation = [line for line in generate_latest(theirs).splitlines() if b"_created" not in line]
    assert generate_latest(ours).splitlines() == without_creation


def test_without_a_label_there_is_one_series() -> None:
    registry = CollectorRegistry()
    weighted = WeightedHistogram("a", "What.", buckets=BUCKETS, registry=registry)
    weighted.observe(2.5, times=4)
    samples = {"a_bucket": {"le": "10.0"}, "a_count": {}, "a_sum": {}}
    assert [registry.get_sample_value(name, labels) for name, labels in samples.items()] == [4, 4, 10]


def test_a_value_that_was_not_named_is_an_error() -> None:
    weighted = WeightedHistogram("a", "What.", buckets=BUCKETS, label="k", values=["x"], registry=CollectorRegistry())
    with pytest.raises(KeyError):
        weighted.observe(1, value="z")
