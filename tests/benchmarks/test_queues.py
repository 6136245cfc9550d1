"""The simulation gives what queueing theory gives, where that has an answer."""

import math

import pytest

from benchmarks.queues import simulate


@pytest.mark.parametrize("load", [0.3, 0.7])
def test_one_server_is_an_m_m_1_queue(load: float) -> None:
    found = simulate(servers=1, load=load, spread="exponentially")
    assert found.p50 == pytest.approx(math.log(2) / (1 - load), rel=0.05)
    assert found.p99 == pytest.approx(math.log(100) / (1 - load), rel=0.05)


@pytest.mark.parametrize("load", [0.7, 4.0])
def test_a_bounded_queue_refuses_as_an_m_m_1_k_queue_does(load: float) -> None:
    places = 1 + 4  # one is answered, four wait
    blocked = (1 - load) * load**places / (1 - load ** (places + 1))
    found = simulate(servers=1, load=load, spread="exponentially", most_waiting=4)
    assert found.refused == pytest.approx(blocked, rel=0.05)


def test_servers_chosen_at_random_are_so_many_queues_alone() -> None:
    alone = simulate(servers=1, load=0.7)
    assert simulate(servers=8, load=0.7, choose="at random").p99 == pytest.approx(alone.p99, rel=0.1)
    assert simulate(servers=8, load=0.7, choose="one queue").p99 < simulate(servers=8, load=0.7).p99 < alone.p99
