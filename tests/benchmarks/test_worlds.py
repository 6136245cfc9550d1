"""The measures of a world, on a log of a few events whose figures can be counted by hand."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from benchmarks.worlds.__main__ import write_page
from benchmarks.worlds.any_six import AllTargets, any_six
from benchmarks.worlds.behaviour import (
    measure_ages,
    measure_categories,
    measure_owners,
    measure_sequence,
    measure_signs,
)
from benchmarks.worlds.records import Records, read_records
from benchmarks.worlds.targets import ACCEPTANCE, TARGETS, Target
from benchmarks.worlds.verdicts import Verdict
from benchmarks.worlds.windows import counts_of_days, ndcg_of_people, six_windows, trend

START = datetime(2024, 1, 1, tzinfo=UTC)


def at(days: float, seconds: int = 0) -> str:
    return f"{START + timedelta(days=days, seconds=seconds):%Y-%m-%d %H:%M:%S}"


def read(
    views: list[tuple[int, int, str]],
    *,
    likes: list[tuple[int, int, str]] = [],  # noqa: B006 - never changed
    ratings: list[tuple[int, int, str, int]] = [],  # noqa: B006 - never changed
    days_of_posts: tuple[float, ...] = (0, 0, 0, 10),
) -> Records:
    """Posts 1 and 2 are in category 7, all others in 8; "ann" owns all but post 4, which is hers: "bob"."""
    return read_records(
        events=(
            [{"user_id": user, "post_id": post, "viewed_at": moment} for user, post, moment in views],
            [{"user_id": user, "post_id": post, "liked_at": moment} for user, post, moment in likes],
            [],
            [
                {"user_id": user, "post_id": post, "rated_at": moment, "rating_percent": percent}
                for user, post, moment, percent in ratings
            ],
        ),
        posts=[
            {
                "id": number,
                "created_at": int((START + timedelta(days=day)).timestamp() * 1000),
                "category": {"id": 7 if number < 3 else 8},
                "username": "bob" if number == 4 else "ann",
                "title": "",
                "post_summary": [],
            }
            for number, day in enumerate(days_of_posts, start=1)
        ],
        users=[{"id": 1 + row, "username": name, "role": "U"} for row, name in enumerate(("ann", "cy", "di"))],
    )


def test_a_pair_is_the_first_meeting_by_any_verb_and_a_pause_of_half_an_hour_ends_a_session() -> None:
    records = read(
        [(1, 1, at(20, 60)), (1, 2, at(20, 70)), (1, 3, at(20, 1871)), (2, 1, "0000-00-00 00:00:00"), (9, 1, at(20))],
        likes=[(1, 1, at(20))],
    )
    assert records.pairs.posts.tolist() == [0, 1, 2]
    assert (records.pairs.seconds - records.pairs.seconds[0]).tolist() == [0, 70, 1871]
    assert len(set(records.pairs.sessions.tolist())) == 2
    assert records.steps.tolist() == [[0, 1]]


def test_faithfulness_to_a_category_is_counted_by_step_and_by_person() -> None:
    views = [(1, 1, at(20)), (1, 2, at(20, 10)), (1, 3, at(20, 20)), (2, 3, at(20, 30))]
    found = measure_categories(read(views))
    assert found["same category in a session"] == 0.5
    # From post 1 the day's other posts are 2, 3 and 3; from post 2 they are 1, 3 and 3.
    assert found["same category drawn from the day"] == pytest.approx(1 / 3)


def test_the_age_of_a_post_is_that_at_the_meeting() -> None:
    found = measure_ages(read([(1, 4, at(10.5)), (1, 1, at(20)), (1, 2, at(40)), (2, 1, at(95))]))
    assert [found[f"age {name}"] for name in ("under 1 d", "1-7 d", "7-30 d", "30-90 d", "over 90 d")] == [
        0.25,
        0,
        0.25,
        0.25,
        0.25,
    ]
    assert found["pairs within 30 d of a post's first"] == 0.75


def test_owners_and_upload_days() -> None:
    found = measure_owners(read([(1, 1, at(20))]))
    assert found == {
        "owners": 2,
        "busiest owner's share": 0.75,
        "days without a new post": 9 / 11,
        "posts on the day of a post": (9 + 1) / 4,
    }


def test_steps_are_near_in_post_order_and_repeat() -> None:
    views = [(user, post, at(20, 10 * user + 3 * number)) for user in (1, 2, 3) for number, post in enumerate((1, 3))]
    found = measure_sequence(read(views))
    assert (found["next within 1"], found["next within 5"], found["steps that occur 3 times"]) == (0, 1, 1)
    assert found["seconds between posts"] == 3


def test_a_rating_that_foretells_the_like_has_an_auc_of_1() -> None:
    ratings = [(1, 1, at(20), 80), (1, 2, at(20, 9), 10), (1, 3, at(20, 18), 20)]
    found = measure_signs(read([(1, 1, at(20, 5))], likes=[(1, 1, at(20, 3))], ratings=ratings))
    assert found["AUC of ratings for likes"] == 1
    assert (found["view before like"], found["view before rating"]) == (0, 0)


def test_the_windows_hold_what_was_first_met_in_them_and_candidates_made_before_the_split() -> None:
    views = [(1, 1, at(50)), (2, 1, at(60)), (3, 1, at(290)), (1, 3, at(290)), (1, 4, at(300))]
    records = read(views, days_of_posts=(0, 0, 0, 280))
    last = six_windows(records)[-1]
    assert last.people.tolist() == [0, 2]
    assert last.has_history.tolist() == [True, False]
    assert last.targets.tolist() == [[False, False, True, True], [True, False, False, False]]
    assert last.candidates.tolist() == [[False, True, True, False], [True, True, True, False]]
    # All-time counts put post 1 first; for the first person it is met, and ties leave post 3 first or second.
    gains = ndcg_of_people(last, counts_of_days(records, last.split, 10_000))
    assert gains[1] == 1
    second = 1 / np.log2(3)
    assert min(abs(gains[0] - hit / (1 + second)) for hit in (1, second)) < 1e-9


def test_a_trend_halves_with_the_age_and_knows_nothing_later() -> None:
    records = read([(1, 1, at(20)), (2, 1, at(27)), (3, 2, at(30))])
    moment = (START + timedelta(days=27, seconds=1)).timestamp()
    assert trend(records, moment, 7)[:2].tolist() == pytest.approx([1 + np.exp(-1), 0], rel=1e-4)
    assert counts_of_days(records, moment, 5)[:2].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("values", "holds"),
    [((0.9, 1.1), True), ((1.05, 1.14), True), ((0.8, 1.0), True), ((0.75, 1.25), False), ((1.12, 1.12), False)],
)
def test_a_target_holds_if_the_mean_is_near_and_no_world_is_far(values: tuple[float, ...], holds: bool) -> None:
    assert Verdict(Target("figure", 1.0, 0.1001), values).holds is holds


def test_a_figure_that_is_no_number_does_not_hold() -> None:
    assert not Verdict(Target("figure", 1.0, 0.1), (1.0, float("nan"))).holds


def test_the_page_is_written_between_its_marks_and_a_page_without_them_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- begin: written by make measure-worlds -->\nold\n<!-- end -->\nb\n", encoding="utf-8")
    write_page("new", page)
    assert page.read_text(encoding="utf-8").splitlines()[2] == "new"
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(ValueError, match="no part between"):
        write_page("new", page)


def worlds_of(*distances: float) -> list[dict[str, float]]:
    """Worlds that have every figure as many tolerances from its target."""
    targets = [*(target for row in TARGETS for target in row.figures), *ACCEPTANCE]
    return [{target.name: target.real + far * target.tolerance for target in targets} for far in distances]


def shares_of(estimate: AllTargets, row: str) -> set[tuple[float, float]]:
    return {(each.means, each.holds) for each in estimate.targets if each.row == row}


def test_any_six_of_worlds_on_target_hold_everything() -> None:
    estimate = any_six(worlds_of(*[0.0] * 7))
    assert (estimate.all_means, estimate.everything) == (1.0, 1.0)
    assert set(estimate.of_rows) == {*(f"row {number}" for number in range(1, 11)), "acceptance"}


def test_a_world_beyond_twice_the_tolerance_spoils_the_draws_that_have_it() -> None:
    ((means, holds),) = shares_of(any_six(worlds_of(*[0.0] * 9, 2.5)), "row 4")
    assert means > 0.95
    assert holds == pytest.approx(0.9**6, abs=0.03)


def test_a_mean_beyond_the_tolerance_holds_in_no_draw() -> None:
    estimate = any_six(worlds_of(*[1.2] * 7))
    assert shares_of(estimate, "row 4") == {(0.0, 0.0)}
    assert estimate.targets[0].off == pytest.approx(1.2)
    assert estimate.targets[0].spread == pytest.approx(0.0, abs=1e-9)


def test_the_figure_that_holds_least_often_comes_first() -> None:
    worlds = worlds_of(*[0.0] * 7)
    bad = [world | {"owner lift": 9.0} for world in worlds]
    assert any_six(bad).targets[0].target.name == "owner lift"


def test_six_worlds_are_too_few_to_draw_six_from() -> None:
    with pytest.raises(ValueError, match="at least 7 seeds"):
        any_six(worlds_of(*[0.0] * 6))
