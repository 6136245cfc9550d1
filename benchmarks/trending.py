"""The trend, asked live at each session's start, beside the 7-day trend of `moodfeed evaluate --live`.

    python -m benchmarks.trending DATA [--months N]

DATA is a data directory with clean tables and text embeddings, such as data-sample after `make run`. For each month, an
index holds the trends up to the month's split; everything later is recorded in a store, event by event, and the index
follows its log. At each session's start the first ten posts that the person has not met are asked for, of those that
exist by then, and their NDCG@10 is taken over the posts first met in the session: mean over a person's sessions, then
over people, then over months, for both. A second figure knows only the posts that there were at the split, as a bundle
does until the next one is made.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from benchmarks.rows import Row, rows_as_markdown
from bundle.index_posts import UNKNOWN_MOMENT, Category, IndexPosts
from bundle.served_posts import TEXT_FIELDS, PostTable
from bundle.verbs import VERBS
from compute.log_tail import LogTail
from pipeline.bundle_contents import popularity, post_trends
from pipeline.dataset import Dataset, read_dataset
from pipeline.live_evaluation.crowd_counts import Crowd
from pipeline.live_evaluation.live_baselines import SortKeys
from pipeline.live_evaluation.months import DEFAULT_MONTHS, Month, rolling_months
from pipeline.live_evaluation.ranks import OUT_OF_REACH, Candidates, case_metrics, ranks_of
from pipeline.live_evaluation.sessions import Moments, moments_of
from pipeline.ranking import CUTOFF
from pipeline.workspace import Workspace
from post_index_service.index import PostIndex
from post_index_service.query import Query
from store.interactions import NewInteraction, Verb
from store.port import Store
from store.sql_store import open_store

_MILLISECONDS_A_DAY = 86_400_000
_AT_ONCE = 1000
_WAIT_SECONDS = 60.0


def measure(data: Path, *, months: int = DEFAULT_MONTHS) -> tuple[float, float, float]:
    """NDCG@10 of the live trend, of it over the bundle's posts alone, and of the trend of `evaluate --live`."""
    workspace = Workspace(data)
    dataset = read_dataset(workspace.clean, workspace.text_embeddings)
    found = [_month(dataset, month) for month in rolling_months(dataset, count=months)]
    live, of_bundle, evaluated = np.nanmean(np.array(found), axis=0).tolist()
    return live, of_bundle, evaluated


def rows(data: Path, *, months: int = DEFAULT_MONTHS) -> tuple[Row, ...]:
    """The figures beside each other; the goal is that the first two differ by less than .01."""
    live, of_bundle, evaluated = measure(data, months=months)
    against, unit = "the 7-day trend of evaluate --live", "NDCG@10"
    note = f"differs by {live - evaluated:+.4f}, the goal is within .01"
    return (
        Row("trending, asked live at each session's start", live, evaluated, unit, against, note=note),
        Row("the same, of the posts that there were at the month's split", of_bundle, evaluated, unit, against),
    )


def _month(dataset: Dataset, month: Month) -> tuple[float, float, float]:
    moments, crowd = moments_of(dataset, month), Crowd(dataset)
    past = dataset.until(month.split_day)
    posts = _posts(dataset, past)
    of_people: dict[int, list[tuple[float, float, float]]] = defaultdict(list)
    with _followed_store() as (store, log):
        index = PostIndex(posts, bundle_id="0" * 64, user_weight=0.0, trends=post_trends(past, posts), log=log)
        recorded, position = len(past.events), 0
        for moment in np.flatnonzero(moments.is_first):
            targets, day = moments.session_targets[moment], float(moments.days[moment])
            if not len(targets):
                continue
            until = int(np.searchsorted(dataset.event_days, day))
            position = max(position, _record(store, dataset, recorded, until))
            recorded = max(recorded, until)
            candidates = _candidates(dataset, moments, int(moment))
            known = candidates & (moments.existing_since < month.split_day)
            counts = crowd.at(day)
            expected = SortKeys(counts.trend, np.zeros(len(candidates)), counts.tie_places)
            of_people[int(moments.user_rows[moment])].append(
                (
                    case_metrics(_ranks(index, dataset, candidates, targets, position)).ndcg,
                    case_metrics(_ranks(index, dataset, known, targets, position)).ndcg,
                    case_metrics(ranks_of(expected, Candidates(candidates, candidates), targets)).ndcg,
                )
            )
    means = np.array([np.mean(sessions, axis=0) for sessions in of_people.values()]).reshape(-1, 3)
    live, of_bundle, evaluated = (np.mean(means, axis=0) if len(means) else np.full(3, np.nan)).tolist()
    return live, of_bundle, evaluated


@contextmanager
def _followed_store() -> Iterator[tuple[Store, LogTail]]:
    with TemporaryDirectory() as directory:
        url = f"sqlite:///{directory}/store.sqlite"
        log = LogTail(lambda: open_store(url))
        with open_store(url) as store, log.followed():
            yield store, log


def _record(store: Store, dataset: Dataset, first: int, last: int) -> int:
    """Record the events from ``first`` up to ``last``; gives the position, 0 if there are none."""
    events, position = dataset.events, 0
    for start in range(first, last, _AT_ONCE):
        position = store.record(
            [
                NewInteraction(
                    event_id=str(number),
                    username=_username(dataset, int(events.user_rows[number])),
                    occurred_at_ms=round(float(events.days[number]) * _MILLISECONDS_A_DAY),
                    verb=Verb[VERBS[events.verbs[number]].upper()],
                    post_id=int(dataset.post_ids[events.post_rows[number]]),
                )
                for number in range(start, min(start + _AT_ONCE, last))
            ]
        ).position
    return position


def _username(dataset: Dataset, row: int) -> str:
    """The username of the account that it leads to; others of the same name get another one."""
    user = dataset.users.iloc[row]
    return str(user["username"]) if user["answers"] else f"account {user['user_id']}"


def _candidates(dataset: Dataset, moments: Moments, moment: int) -> NDArray[np.bool_]:
    """The posts that exist and that the person has not met: bool [posts]."""
    day, pairs = float(moments.days[moment]), dataset.pairs
    candidates = moments.existing_since < day
    user = int(moments.user_rows[moment])
    start, end = pairs.offsets[user], pairs.offsets[user + 1]
    candidates[pairs.post_rows[start : start + np.searchsorted(pairs.days[start:end], day)]] = False
    return candidates


def _ranks(
    index: PostIndex,
    dataset: Dataset,
    candidates: NDArray[np.bool_],
    targets: NDArray[np.int64],
    position: int,
) -> NDArray[np.int64]:
    """The rank of each target among the first ten of the trends, 0 for the first; int64 [targets]."""
    found = index.search(
        Query(
            trending=True,
            at_least_position=position,
            not_interested_post_ids=dataset.post_ids[~candidates].tolist(),
            limit=CUTOFF,
            seconds=_WAIT_SECONDS,
        )
    )
    places = {ranked.post.post_id: place for place, ranked in enumerate(found.posts)}
    return np.array([places.get(int(dataset.post_ids[row]), OUT_OF_REACH) for row in targets], dtype=np.int64)


def _posts(dataset: Dataset, past: Dataset) -> IndexPosts:
    """All posts, as popular as they were; their embeddings and texts mean nothing."""
    categories = dataset.posts["category_id"].fillna(0).to_numpy(dtype=np.int32)
    order = np.lexsort((dataset.post_ids, categories))
    post_ids, category_ids = dataset.post_ids[order], categories[order]
    vectors = np.tile(np.eye(1, 8, dtype=np.float32), (len(order), 1))
    return IndexPosts(
        post_ids=post_ids,
        category_ids=category_ids,
        tower_embeddings=vectors,
        text_embeddings=vectors.astype(np.float16),
        popularity=popularity(past)[order],
        created_ms=np.full(len(order), UNKNOWN_MOMENT),
        posts=PostTable.from_columns(post_ids, category_ids, dict.fromkeys(TEXT_FIELDS, [""] * len(order))),
        categories=tuple(Category(int(number), str(number)) for number in np.unique(category_ids) if number > 0),
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description="Trends asked live, beside those of evaluate --live.")
    parser.add_argument("data", type=Path, help="data directory with clean tables and text embeddings")
    parser.add_argument("--months", type=int, default=DEFAULT_MONTHS)
    chosen = parser.parse_args(arguments)
    print(rows_as_markdown("Trending", rows(chosen.data, months=chosen.months)))


if __name__ == "__main__":
    main()
