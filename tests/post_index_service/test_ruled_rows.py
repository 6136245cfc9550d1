"""What rules do with the rows of one search, over ten posts of the bundle and two live ones."""

import numpy as np
import pytest

from bundle.served_posts import ServedPost
from post_index_service.filters import NO_FILTERS
from post_index_service.layer import Layer
from post_index_service.layered_ranking import LayeredIds
from post_index_service.live_segment import FOR_EVER, LiveForm, LiveSegment
from post_index_service.popular_orders import ByPopularity
from post_index_service.ruled_rows import NO_RULES, RuledRows, RuledSearch, with_rules
from post_index_service.rules import RuleBook, RuleVersion
from store.rules import Rule, RuleAction

IDS, LIVE_IDS = np.arange(100, 110), np.array([50, 200])
NOBODY = np.zeros(0, dtype=np.int64)


def live_segment() -> LiveSegment:
    segment = LiveSegment(tower_dimension=2, text_dimension=2)
    for post_id in LIVE_IDS.tolist():
        post = ServedPost(post_id, "https://video.example/", "", "", 7, "ana", "")
        segment.append(
            LiveForm(
                post=post,
                tower=np.zeros(2, np.float32),
                text=np.zeros(2, np.float32),
                popularity=0.5,
                trend_row=0,
                account=0,
                created_at_ms=0,
                language="",
            ),
            position=1,
        )
    segment.publish()
    return segment


def ruled(*versions: RuleVersion, position: int = 9, moment_ms: int = 5, now_ms: int = 5) -> RuledRows:
    """The rows of a search as of a position, over a layer at position 9."""
    layer = Layer(position=9, known_since=0, live=live_segment().rows, rules=RuleBook(versions))
    part = layer.part(slice(0, 10), None, position=position, filters=NO_FILTERS, allowed=None, unwanted=NOBODY)
    ids = LayeredIds(IDS, LIVE_IDS)
    return RuledSearch(part, ids, None, moment_ms=moment_ms, now_ms=now_ms).rows()


def version(
    action: RuleAction, *post_ids: int, name: str = "a", since: int = 1, until: int = FOR_EVER, **fields: float
) -> RuleVersion:
    rule = Rule(name=name, action=action, post_ids=post_ids, **fields)
    return RuleVersion(rule, np.flatnonzero(np.isin(IDS, post_ids)), since, until)


def test_without_rules_no_row_is_ruled() -> None:
    rows = ruled()
    assert [rows.pinned.size, rows.boosted.size, rows.boosts.size, rows.hidden.size, rows.hidden_since.size] == [0] * 5
    assert rows.names(0) == ()


def test_pinned_posts_keep_the_order_of_the_rule_and_count_once() -> None:
    rows = ruled(version(RuleAction.PIN, 200, 107, 999, 101, 107, 50))
    assert rows.pinned.tolist() == [11, 7, 1, 10]
    assert [rows.boosted.size, rows.hidden.size, rows.hidden_since.size] == [0, 0, 0]


def test_of_two_rules_that_pin_the_first_by_name_counts() -> None:
    assert ruled(version(RuleAction.PIN, 107), version(RuleAction.PIN, 101, name="b")).pinned.tolist() == [7]


def test_boosts_of_one_post_add_up_to_one_at_most() -> None:
    rows = ruled(
        version(RuleAction.BOOST, 101, 103, 200, boost=0.25),
        version(RuleAction.BOOST, 103, 104, name="b", boost=-0.75),
        version(RuleAction.BOOST, 104, 105, name="c", boost=-0.75),
        version(RuleAction.BOOST, 105, 106, name="d", boost=1.0),
        version(RuleAction.BOOST, 106, name="e", boost=1.0),
    )
    assert rows.boosted.tolist() == [1, 3, 4, 5, 6, 11]
    assert rows.boosts.tolist() == [0.25, -0.5, -1.0, 0.25, 1.0, 0.25]
    assert rows.boosts.dtype == np.float32


def test_a_rule_that_came_since_hides_posts_without_moving_others() -> None:
    rows = ruled(version(RuleAction.HIDE, 101), version(RuleAction.HIDE, 101, 103, name="b", since=8), position=7)
    assert (rows.hidden.tolist(), rows.hidden_since.tolist()) == ([1], [3])


def test_a_rule_that_began_since_hides_posts_without_moving_others() -> None:
    later = version(RuleAction.HIDE, 103, starts_at_ms=6)
    assert ruled(later, now_ms=5).hidden_since.tolist() == []
    assert ruled(later, now_ms=6).hidden_since.tolist() == [3]
    assert ruled(later, moment_ms=6, now_ms=6).hidden.tolist() == [3]


def test_a_rule_that_has_ended_since_still_hides_on_later_pages() -> None:
    rows = ruled(version(RuleAction.HIDE, 101, until=8), position=7)
    assert (rows.hidden.tolist(), rows.hidden_since.tolist()) == ([1], [])


def test_a_row_is_told_the_rules_that_pin_and_boost_it_and_not_those_that_hide() -> None:
    rows = ruled(
        version(RuleAction.PIN, 101, name="first"),
        version(RuleAction.BOOST, 101, 102, name="more", boost=0.5),
        version(RuleAction.HIDE, 101, name="none"),
    )
    assert [rows.names(row) for row in (1, 2, 3)] == [("first", "more"), ("more",), ()]


POPULARITY = (np.arange(10) / 10).astype(np.float32)


@pytest.mark.parametrize(
    ("pinned", "left_out", "expected"),
    [
        ([], ([], []), [9, 1, 8, 7, 6, 5, 4, 3, 2, 0]),  # 1 has 0.1 + 0.75 * 1, 0 has nothing
        ([1], ([], []), [1, 9, 8, 7, 6, 5, 4, 3, 2, 0]),
        ([4, 1], ([], []), [4, 1, 9, 8, 7, 6, 5, 3, 2, 0]),
        ([], ([1], []), [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),  # and is where it stands without the boost
        ([], ([], [1]), [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
    ],
)
def test_boosted_rows_rise_and_pinned_ones_are_first_unless_they_are_left_out(
    pinned: list[int], left_out: tuple[list[int], list[int]], expected: list[int]
) -> None:
    order = ByPopularity(POPULARITY, IDS)
    rows = RuledRows(NOBODY, np.array([1]), np.array([0.75], np.float32), NOBODY, NOBODY)
    ranked = with_rules(
        order,
        LayeredIds(IDS, LIVE_IDS),
        pinned=np.array(pinned, np.int64),
        ruled=rows,
        left_out=(np.array(left_out[0], np.int64), np.array(left_out[1], np.int64)),
    ).first(10, skip=NOBODY)
    assert ranked.rows.tolist() == expected


def test_an_order_that_no_rule_changes_is_the_same_one() -> None:
    order = ByPopularity(POPULARITY, IDS)
    ids = LayeredIds(IDS, LIVE_IDS)
    assert with_rules(order, ids, pinned=NOBODY, ruled=NO_RULES, left_out=(NOBODY, NOBODY)) is order
