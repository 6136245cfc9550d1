from collections.abc import Iterator

from rpc.drain import looks_until_idle


def number_of_looks(*in_flight: int) -> int:
    counts: Iterator[int] = iter(in_flight)
    return len(list(looks_until_idle(lambda: next(counts))))


def test_a_server_is_idle_after_three_looks_in_a_row_that_find_no_request() -> None:
    assert number_of_looks(0, 0, 0) == 3


def test_a_request_found_by_a_look_starts_the_count_again() -> None:
    assert number_of_looks(2, 0, 0, 1, 0, 0, 0) == 7
