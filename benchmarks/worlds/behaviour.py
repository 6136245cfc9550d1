"""Rows 1, 3, 4, 5, 6, 9 and 10: what people do, without foretelling anything."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from benchmarks.worlds.records import DAY_S, LIKE, RATING, VIEW, Floats, Integers, Records
from benchmarks.worlds.windows import Window

_MONTH_DAYS = 30.4
_RATINGS_FOR_SPREAD = 5


def measure_categories(records: Records) -> dict[str, float]:
    """Row 1: how faithful people are to a category."""
    pairs = records.pairs
    categories = np.unique(records.categories, return_inverse=True)[1][pairs.posts]
    before, after = records.steps.T
    order = np.lexsort((np.arange(len(pairs)), pairs.users))
    between = (np.diff(pairs.users[order]) == 0) & (np.diff(pairs.sessions[order]) != 0)
    last, first = order[:-1][between], order[1:][between]
    of_day = np.zeros((records.pair_days.max() + 1, categories.max() + 1))
    np.add.at(of_day, (records.pair_days, categories), 1)
    day = records.pair_days[before]
    others = (of_day[day, categories[before]] - 1) / np.maximum(of_day[day].sum(axis=1) - 1, 1)
    per_user = np.zeros((len(records.is_admin), categories.max() + 1))
    np.add.at(per_user, (pairs.users, categories), 1)
    many = per_user[per_user.sum(axis=1) >= 5]
    return {
        "same category in a session": float((categories[before] == categories[after]).mean()),
        "same category from session to session": _mean(categories[last] == categories[first]),
        "same category drawn from the day": float(others.mean()),
        "people of one category": _mean(many.max(axis=1) == many.sum(axis=1)),
    }


def _mean(values: NDArray[np.bool_]) -> float:
    return float(values.mean()) if len(values) else float("nan")


def measure_slowness(records: Records) -> dict[str, float]:
    """Row 2: Spearman of the counts of the posts met so far, from week to week and from month to month."""
    return {
        "Spearman week to week": _spearman_of_periods(records, 7.0),
        "Spearman month to month": _spearman_of_periods(records, _MONTH_DAYS),
    }


def _spearman_of_periods(records: Records, days: float) -> float:
    seconds = records.pairs.seconds
    period = ((seconds - seconds.min()) // (days * DAY_S)).astype(np.int64)
    counts = np.zeros((period.max() + 1, len(records.created)))
    np.add.at(counts, (period, records.pairs.posts), 1)
    found = []
    known = np.cumsum(counts, axis=0) > 0
    for earlier, later, met in zip(counts[:-1], counts[1:], known[:-1], strict=True):
        found.append(_correlation(rankdata(earlier[met]), rankdata(later[met])) if met.sum() > 2 else np.nan)
    return float(np.nanmean(found))


def _correlation(first: Floats, second: Floats) -> float:
    if first.std() == 0 or second.std() == 0:
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])


def measure_ages(records: Records) -> dict[str, float]:
    """Row 3: how old the posts are that people meet."""
    pairs = records.pairs
    ages = (pairs.seconds - records.created[pairs.posts]) / DAY_S
    shares = np.histogram(ages, [-np.inf, 1, 7, 30, 90, np.inf])[0] / len(pairs)
    first = np.full(len(records.created), np.inf)
    np.minimum.at(first, pairs.posts, pairs.seconds)
    soon = pairs.seconds - first[pairs.posts] <= 30 * DAY_S
    names = ("under 1 d", "1-7 d", "7-30 d", "30-90 d", "over 90 d")
    return {f"age {name}": float(share) for name, share in zip(names, shares, strict=True)} | {
        "pairs within 30 d of a post's first": float(soon.mean())
    }


def measure_owners(records: Records) -> dict[str, float]:
    """Row 4: how few own the posts, and how many posts arrive at once."""
    days = (records.created // DAY_S).astype(np.int64)
    of_day = np.bincount(days - days.min())
    of_owner = np.bincount(records.owners)
    return {
        "owners": float(len(of_owner)),
        "busiest owner's share": float(of_owner.max() / of_owner.sum()),
        "days without a new post": float((of_day == 0).mean()),
        "posts on the day of a post": float((of_day**2).sum() / of_day.sum()),
    }


def measure_sequence(records: Records) -> dict[str, float]:
    """Row 5: steps between posts that are near in post order, steps that repeat, and the time between posts."""
    pairs = records.pairs
    before, after = records.steps.T
    apart = np.abs(pairs.posts[after] - pairs.posts[before])
    steps = pairs.posts[before] * len(records.created) + pairs.posts[after]
    _, inverse, counts = np.unique(steps, return_inverse=True, return_counts=True)
    return {
        "next within 1": float((apart <= 1).mean()),
        "next within 5": float((apart <= 5).mean()),
        "next within 20": float((apart <= 20).mean()),
        "steps that occur 3 times": float((counts[inverse] >= 3).mean()),
        "seconds between posts": float(np.median(pairs.seconds[after] - pairs.seconds[before])),
    }


def measure_waves(records: Records, windows: tuple[Window, ...]) -> dict[str, float]:
    """Row 6: how new people arrive."""
    arrivals = np.bincount(records.pair_days[_first_pairs(records)]).astype(np.float64)
    sizes = [len(window.people) for window in windows]
    return {
        "new people a day, variance / mean": float(arrivals.var() / arrivals.mean()),
        "new people a day, autocorrelation": _correlation(arrivals[:-1], arrivals[1:]),
        "largest / smallest window": max(sizes) / max(min(sizes), 1),
    }


def _first_pairs(records: Records) -> Integers:
    return np.unique(records.pairs.users, return_index=True)[1]


def measure_newcomers(records: Records) -> dict[str, float]:
    """Row 7: how alike the first ten posts of two newcomers are, in one week and in different weeks."""
    pairs = records.pairs
    order = np.lexsort((np.arange(len(pairs)), pairs.users))
    firsts, weeks, threes = [], [], []
    for rows in np.split(order, np.flatnonzero(np.diff(pairs.users[order])) + 1):
        if len(rows) >= 5:
            firsts.append(pairs.posts[rows[:10]])
            weeks.append(records.pair_days[rows[0]] // 7)
            threes.append(tuple(pairs.posts[rows[:3]].tolist()))
    met = np.zeros((len(firsts), len(records.created)), dtype=np.float32)
    for row, posts in enumerate(firsts):
        met[row, posts] = 1
    common = met @ met.T
    sizes = met.sum(axis=1)
    alike = common / (sizes[:, None] + sizes - common)
    week = np.array(weeks)
    same = week[:, None] == week
    upper = np.triu(np.ones_like(same), 1)
    keys = [(week_of, three) for week_of, three in zip(weeks, threes, strict=True)]
    return {
        "Jaccard in a week": float(alike[same & upper].mean()),
        "Jaccard in other weeks": float(alike[~same & upper].mean()),
        "same first three": float(np.mean([keys.count(key) > 1 for key in keys])),
    }


def measure_signs(records: Records) -> dict[str, float]:
    """Row 9: what ratings say about likes, how widely people rate, and in which order the signs come."""
    events, posts = records.events, len(records.created)
    keys = events.users * posts + events.posts
    first = {verb: _first_of(keys, events.seconds, events.verbs == verb) for verb in (VIEW, LIKE, RATING)}
    rated, order = np.unique(keys[events.verbs == RATING], return_index=True)
    percents = events.ratings[events.verbs == RATING][order].astype(np.float64)
    users = rated // posts
    liked = np.isin(rated, first[LIKE][0])
    return {
        "AUC of ratings for likes": _auc_within(users, percents, liked),
        "spread of a person's ratings": _spread_within(users, percents),
        "view before like": _before(first[VIEW], first[LIKE]),
        "view before rating": _before(first[VIEW], first[RATING]),
    }


def _first_of(keys: Integers, seconds: Floats, chosen: NDArray[np.bool_]) -> tuple[Integers, Floats]:
    unique, first = np.unique(keys[chosen], return_index=True)
    return unique, seconds[chosen][first]


def _before(views: tuple[Integers, Floats], others: tuple[Integers, Floats]) -> float:
    _, first, second = np.intersect1d(views[0], others[0], return_indices=True)
    return float((views[1][first] < others[1][second]).mean())


def _auc_within(users: Integers, percents: Floats, liked: NDArray[np.bool_]) -> float:
    wins = total = 0.0
    for user in np.unique(users[liked]):
        mine = users == user
        yes, no = percents[mine & liked], percents[mine & ~liked]
        if len(no):
            higher = yes[:, None] - no
            wins += ((higher > 0) + 0.5 * (higher == 0)).sum()
            total += higher.size
    return float(wins / max(total, 1))


def _spread_within(users: Integers, percents: Floats) -> float:
    groups = np.split(percents[np.argsort(users, kind="stable")], np.flatnonzero(np.diff(np.sort(users))) + 1)
    spreads = [group.std() for group in groups if len(group) >= _RATINGS_FOR_SPREAD]
    return float(np.median(spreads)) if spreads else float("nan")


def measure_months(records: Records, windows: tuple[Window, ...]) -> dict[str, float]:
    """Row 10: how uneven months are, how many people come again, and who the people are."""
    pairs = records.pairs
    fresh = []
    for window in windows:
        touched = np.unique(pairs.posts[window.past])
        fresh.append(float((~np.isin(pairs.posts[window.test], touched)).mean()))
    days = (pairs.seconds - pairs.seconds.min()) / DAY_S
    first_day = np.full(len(records.is_admin), np.inf)
    last_day = np.full(len(records.is_admin), -np.inf)
    np.minimum.at(first_day, pairs.users, days)
    np.maximum.at(last_day, pairs.users, days)
    stayed = (last_day - first_day)[np.isfinite(first_day)]
    own = records.user_names[pairs.users] == records.post_names[pairs.posts]
    return {
        "pairs on unmet posts, smallest window": min(fresh),
        "pairs on unmet posts, largest window": max(fresh),
        "category drift": _category_drift(records, days),
        "comes again after 1 d": float((stayed >= 1).mean()),
        "comes again after 7 d": float((stayed >= 7).mean()),
        "comes again after 30 d": float((stayed >= 30).mean()),
        "pairs by admins": float(records.is_admin[pairs.users].mean()),
        "pairs on own posts": float(own.mean()),
    }


def _category_drift(records: Records, days: Floats) -> float:
    categories = np.unique(records.categories, return_inverse=True)[1][records.pairs.posts]
    month = (days // _MONTH_DAYS).astype(np.int64)
    shares = np.zeros((month.max() + 1, categories.max() + 1))
    np.add.at(shares, (month, categories), 1)
    shares = shares[shares.sum(axis=1) > 0]
    shares /= shares.sum(axis=1, keepdims=True)
    return float(np.abs(np.diff(shares, axis=0)).sum(axis=1).mean() / 2)


def measure_tastes(records: Records, likeness: NDArray[np.float32]) -> dict[str, float]:
    """Row 8: whether the text, or the owner, of what a person met foretells what they meet next."""
    pairs = records.pairs
    days = records.pair_days
    posts_of_day = {day: np.unique(pairs.posts[days == day]) for day in np.unique(days)}
    within, over = [], []
    order = np.lexsort((np.arange(len(pairs)), pairs.users))
    for rows in np.split(order, np.flatnonzero(np.diff(pairs.users[order])) + 1):
        history = likeness[pairs.posts[rows[0]]].copy()
        for number, row in enumerate(rows[1:], start=1):
            post = pairs.posts[row]
            others = np.setdiff1d(posts_of_day[days[row]], pairs.posts[rows[: number + 1]], assume_unique=True)
            inside = others[records.categories[others] == records.categories[post]]
            if len(others):
                over.append(_percentile(history[post], history[others]))
            if len(inside):
                within.append(_percentile(history[post], history[inside]))
            history += likeness[post]
    return {
        "text percentile within the category": float(np.mean(within)),
        "text percentile over all": float(np.mean(over)),
        "owner lift": _owner_lift(records),
    }


def _percentile(value: np.floating, others: NDArray[np.floating]) -> float:
    return float((others < value).mean() + 0.5 * (others == value).mean())


def _owner_lift(records: Records) -> float:
    """How often the next post has the same owner, relative to the day's other posts of its category."""
    pairs = records.pairs
    before, after = records.steps.T
    group = records.pair_days * 10_000 + np.unique(records.categories, return_inverse=True)[1][pairs.posts]
    group = np.unique(group, return_inverse=True)[1]
    counts = np.zeros((group.max() + 1, records.owners.max() + 1), dtype=np.float32)
    owners = records.owners[pairs.posts]
    np.add.at(counts, (group, owners), 1)
    sizes = counts.sum(axis=1)[group[after]]
    drawn = counts[group[after], owners[before]] - (group[before] == group[after])
    usable = sizes > 1
    expected = drawn[usable] / (sizes[usable] - 1)
    return float((owners[before] == owners[after])[usable].mean() / expected.mean())
