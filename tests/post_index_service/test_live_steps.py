"""Which first meetings are steps, as of which position they count, and how many are kept."""

from post_index_service import live_steps
from post_index_service.live_steps import LiveSteps

MINUTE = 60_000


def followers(steps: LiveSteps, post: int, position: int = 100) -> list[int]:
    return steps.followers(post, position=position).tolist()


def test_a_step_goes_from_a_post_to_the_next_within_half_an_hour() -> None:
    steps = LiveSteps()
    steps.meet("ana", [1], moment_ms=0, position=1)
    steps.meet("bo", [7], moment_ms=0, position=2)
    steps.meet("ana", [2], moment_ms=30 * MINUTE - 1, position=3)
    steps.meet("ana", [3], moment_ms=60 * MINUTE, position=4)
    steps.meet("ana", [4], moment_ms=60 * MINUTE, position=5)
    assert [followers(steps, post) for post in (1, 2, 3, 7)] == [[2], [], [4], []]


def test_a_meeting_that_is_recorded_late_is_no_step_and_changes_none() -> None:
    steps = LiveSteps()
    steps.meet("ana", [1], moment_ms=10 * MINUTE, position=1)
    steps.meet("ana", [2], moment_ms=9 * MINUTE, position=2)
    steps.meet("ana", [3], moment_ms=11 * MINUTE, position=3)
    assert [followers(steps, post) for post in (1, 2)] == [[3], []]


def test_steps_count_up_to_a_position() -> None:
    steps = LiveSteps()
    for person in range(5):
        steps.meet(f"p{person}", [1], moment_ms=0, position=10 * person)
        steps.meet(f"p{person}", [2 + person % 2], moment_ms=1, position=10 * person + 1)
    assert followers(steps, 1, 0) == []
    assert followers(steps, 1, 11) == [2, 3]
    assert followers(steps, 1, 30) == [2, 3, 2]


def test_a_post_under_several_numbers_follows_as_all_of_them_and_leads_on_from_the_last() -> None:
    steps = LiveSteps()
    steps.meet("ana", [1], moment_ms=0, position=1)
    steps.meet("ana", [2, 3], moment_ms=1, position=2)
    steps.meet("ana", [4], moment_ms=2, position=3)
    assert [followers(steps, post) for post in (1, 2, 3)] == [[2, 3], [], [4]]


def test_so_many_steps_and_people_are_kept(monkeypatch) -> None:
    monkeypatch.setattr(live_steps, "MOST_STEPS_OF_A_POST", 3)
    steps = LiveSteps(most_people=2, most_steps=4)
    for person in range(5):
        steps.meet(f"p{person}", [1], moment_ms=0, position=person)
        steps.meet(f"p{person}", [2], moment_ms=1, position=person)
    assert followers(steps, 1) == [2, 2, 2]
    steps.meet("p4", [3], moment_ms=2, position=6)
    steps.meet("p4", [4], moment_ms=2, position=7)
    assert [followers(steps, 2), followers(steps, 3)] == [[3], []]  # four in all
    steps = LiveSteps(most_people=2)
    for person in ("a", "b", "c"):
        steps.meet(person, [1], moment_ms=0, position=1)
    for person in ("c", "b", "a"):
        steps.meet(person, [2], moment_ms=1, position=2)
    assert followers(steps, 1) == [2, 2]  # the first person is forgotten
