from rpc import wall_clock
from rpc.wall_clock import SteadyClock


def test_a_steady_clock_starts_at_the_time_of_day() -> None:
    before = wall_clock.now_ms()
    steady = SteadyClock()
    assert before - 1 <= steady.now_ms() <= wall_clock.now_ms() + 1


def test_a_steady_clock_does_not_jump_with_the_clock_of_the_machine(monkeypatch) -> None:
    steady = SteadyClock()
    before = steady.now_ms()
    monkeypatch.setattr(wall_clock, "now_ms", lambda: 0)
    assert before <= steady.now_ms() < before + 60_000
