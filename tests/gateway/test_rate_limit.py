import pytest

from gateway.rate_limit import RateLimit


class FakeClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def limit(clock: FakeClock) -> RateLimit:
    return RateLimit(requests_per_second=2, burst=3, now=clock)


def test_a_burst_goes_ahead_and_the_next_is_told_how_long_to_wait(limit: RateLimit) -> None:
    assert [limit.take("web") for _ in range(4)] == [0, 0, 0, 0.5]


def test_after_the_wait_exactly_one_more_goes_ahead(limit: RateLimit, clock: FakeClock) -> None:
    for _ in range(3):
        limit.take("web")
    clock.seconds += limit.take("web")
    assert [limit.take("web"), limit.take("web")] == [0, 0.5]


def test_asking_too_early_does_not_put_the_next_moment_off(limit: RateLimit, clock: FakeClock) -> None:
    for _ in range(3):
        limit.take("web")
    assert limit.take("web") == 0.5
    clock.seconds += 0.25
    assert limit.take("web") == 0.25
    clock.seconds += 0.25
    assert limit.take("web") == 0


def test_a_long_pause_gives_one_burst_and_no_more(limit: RateLimit, clock: FakeClock) -> None:
    for _ in range(3):
        limit.take("web")
    clock.seconds += 3600
    assert [limit.take("web") for _ in range(4)] == [0, 0, 0, 0.5]


def test_each_name_has_its_own(limit: RateLimit) -> None:
    for _ in range(4):
        limit.take("web")
    assert limit.take("app") == 0


def test_fewer_than_one_a_second_is_a_rate_too(clock: FakeClock) -> None:
    limit = RateLimit(requests_per_second=0.1, burst=1, now=clock)
    assert [limit.take("web"), limit.take("web")] == [0, 10]
    clock.seconds += 9.9
    assert limit.take("web") == pytest.approx(0.1)


def test_further_requests_of_a_call_are_paid_off_before_the_next(limit: RateLimit, clock: FakeClock) -> None:
    assert limit.take("web") == 0
    limit.charge("web", 5)  # six of a burst of three
    assert limit.take("web") == 2.0
    clock.seconds += 2.0
    assert limit.take("web") == 0
    assert limit.take("app") == 0
