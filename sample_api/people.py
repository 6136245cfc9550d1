"""The people: when they arrive, for which category, how much they do, and when they come again."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sample_api.sizes import DAYS, Sizes

_BLOCK_DAYS = 30.4
_LAST_DAYS = 35.0
_LAST_NEW = 0.125  # share of the people that arrive in the last five weeks
_BEFORE_NEW = 0.06  # in the month before those
_BLOCKS_NEW = (0.05, 0.075, 0.1, 0.148, 0.252)  # in the five months before, in an order of the seed
_WAVE_SHARE = 0.78  # of the people of a month arrive in its waves, the others on any day
_MAIN_CATEGORIES = 2
_WAVE_DAYS = 2.0
_WAVE_SIZES = (0.13, 0.13, 0.61, 0.13)  # of the people of a month that arrive in its waves, in order
_EARLY_SIZES = (0.5, 0.25, 0.15, 0.1)  # of those before the months, in an order of the seed
_WAVE_CATEGORY = 0.25  # of the people of a wave come for its category
_CATEGORY_DRAW = {2: 0.56, 8: 0.232, 4: 0.094, 6: 0.06, 13: 0.03, 22: 0.014, 21: 0.004, 3: 0.004, 0: 0.002}

_RETURNING = 0.24  # share of the people that meet at least two posts
_BUSY, _RETURNING_IF_BUSY = 8, 0.62  # and of those that meet at least so many
# Days from the first to the last visit of those who return: share that stays at least so long.
_STAY_DAYS = (0.2, 1.0, 7.0, 30.0, 120.0, 380.0)
_STAY_SHARES = (1.0, 0.92, 0.66, 0.42, 0.12, 0.0)
_MORE_VISITS = 1.6
_SAME_DAY_VISIT = 0.12

_ADMIN_EVENTS = 125  # of each admin but the busiest
_HEAVY_TAIL, _HEAVIEST_OTHER = 1.25, 163  # the other busy people: exponent, and most events
_SWITCHING = 0.30  # share of people that change the category within a visit
_SWITCH_RATE = 0.36  # of their steps
_NEW_CATEGORY_AT_VISIT = 0.04


@dataclass(frozen=True, slots=True)
class People:
    """Active people; the first are admins. All [people] but ``wave_*`` [waves]."""

    is_admin: NDArray[np.bool_]
    arrival: NDArray[np.float64]  # days
    category: NDArray[np.int64]  # the one they came for
    switch_rate: NDArray[np.float64]
    budget: NDArray[np.int64]  # events
    is_rater: NDArray[np.bool_]


def make_people(random: np.random.Generator, sizes: Sizes) -> People:
    """Newcomers arrive in waves that come for one category; months are uneven."""
    others = sizes.active - sizes.admins
    arrival, category = _arrivals(random, others)
    admins_arrive = np.sort(random.uniform(1, DAYS * 0.35, size=sizes.admins))
    admins_arrive[0] = 0.3
    switching = np.where(random.random(others) < _SWITCHING, _SWITCH_RATE, 0.0)
    return People(
        is_admin=np.arange(sizes.active) < sizes.admins,
        arrival=np.concatenate([admins_arrive, arrival]),
        category=np.concatenate([draw_categories(random, sizes.admins), category]),
        switch_rate=np.concatenate([np.full(sizes.admins, 0.12), switching]),
        budget=np.concatenate([_admin_budgets(sizes), _budgets(random, others)]),
        is_rater=random.random(sizes.active) < 0.66,
    )


def _admin_budgets(sizes: Sizes) -> NDArray[np.int64]:
    """The busiest owner is the busiest person; the others are as busy as each other."""
    budgets = np.full(sizes.admins, _ADMIN_EVENTS)
    budgets[0] = sizes.heaviest
    return budgets


def draw_categories(random: np.random.Generator, count: int) -> NDArray[np.int64]:
    """Categories as often as people come for them, which is not as often as posts have them."""
    return np.asarray(random.choice(list(_CATEGORY_DRAW), size=count, p=np.array(list(_CATEGORY_DRAW.values()))))


def _arrivals(random: np.random.Generator, count: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    months = [_BEFORE_NEW, *random.permutation(_BLOCKS_NEW)]
    shares = [1 - _LAST_NEW - sum(months), *months, _LAST_NEW]
    first = DAYS - _LAST_DAYS - _BLOCK_DAYS * len(months)
    edges = np.array([25.0, *(first + _BLOCK_DAYS * np.arange(len(months) + 1)), DAYS - 0.5])
    of_block = np.round(np.cumsum(shares) * count).astype(np.int64)
    days, categories = [], []
    given = dict.fromkeys(_CATEGORY_DRAW, 0.0)
    for number, people in enumerate(np.diff(of_block, prepend=0)):
        start, end = edges[number], edges[number + 1]
        sizes = np.array(_WAVE_SIZES) if number else random.permutation(_EARLY_SIZES)
        waves = len(sizes)
        wave = random.choice(waves, size=people, p=sizes)
        parts = (np.arange(waves) + random.random(waves) * 0.7) / waves
        begins = start + (np.sqrt(parts) if number == 0 else parts) * (end - start)
        day = begins[wave] + random.exponential(_WAVE_DAYS, size=people)
        any_day = (random.random(people) > _WAVE_SHARE) | (day >= end)
        day[any_day] = random.uniform(start, end, size=int(any_day.sum()))
        category = _categories_of_waves(random, sizes * people, given)[wave]
        other = any_day | (random.random(people) > _WAVE_CATEGORY)
        category[other] = draw_categories(random, int(other.sum()))
        days.append(day)
        categories.append(category)
    return np.concatenate(days), np.concatenate(categories)


def _categories_of_waves(
    random: np.random.Generator, sizes: NDArray[np.float64], given: dict[int, float]
) -> NDArray[np.int64]:
    """The two largest waves have the two commonest categories, each other one the category that lacks most people.

    ``given`` holds how many people each category has had so far, and is changed.
    """
    found = np.zeros(len(sizes), dtype=np.int64)
    main = list(_CATEGORY_DRAW)[:_MAIN_CATEGORIES]
    for place, wave in enumerate(np.argsort(-sizes, kind="stable")):
        total = sum(given.values()) + sizes[wave]
        lacks = {number: share * total - given[number] for number, share in _CATEGORY_DRAW.items()}
        chances = np.maximum(np.array(list(lacks.values())), 0) ** 2
        chances[: len(main)] = 0
        chances += 1e-9
        number = main[place] if place < len(main) else int(random.choice(list(lacks), p=chances / chances.sum()))
        given[number] += sizes[wave]
        found[wave] = number
    return found


def _budgets(random: np.random.Generator, count: int) -> NDArray[np.int64]:
    """A quarter of people leave one event, three quarters at most seven; the median is three."""
    ones, twos, some = (round(share * count) for share in (0.265, 0.255, 0.235))
    many = count - ones - twos - some
    few = [np.ones(ones), random.integers(2, 4, size=twos), random.integers(4, 8, size=some)]
    quantiles = (np.arange(many) + random.random(many)) / max(many, 1)
    heavy = np.clip(8 * (1 - quantiles * 0.99) ** -_HEAVY_TAIL, 8, _HEAVIEST_OTHER)
    return random.permutation(np.concatenate([*few, heavy])).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Visits:
    """Sessions, grouped by person and ordered by time. All [visits]; ``batch`` is -1 but for a look at new posts."""

    user: NDArray[np.int64]
    day: NDArray[np.float64]
    length: NDArray[np.int64]  # steps
    category: NDArray[np.int64]
    batch: NDArray[np.int64]


def make_visits(random: np.random.Generator, people: People, steps: NDArray[np.int64]) -> Visits:
    """The visits of all that are no admins; ``steps`` [people] are shared out among a person's visits."""
    share = np.where(steps >= _BUSY, _RETURNING_IF_BUSY, _RETURNING)
    returns = (steps >= 2) & ~people.is_admin & (random.random(len(steps)) < share)
    stay = np.exp(np.interp(1 - random.random(len(steps)), _STAY_SHARES[::-1], np.log(_STAY_DAYS[::-1])))
    room = DAYS - 0.05 - people.arrival
    stay = np.where(stay < room, stay, room * random.random(len(steps)) ** 0.5)
    more = np.minimum(random.geometric(1 / _MORE_VISITS, size=len(steps)) - 1, np.maximum(steps - 2, 0))
    same_day = ~people.is_admin & (steps >= 6) & (random.random(len(steps)) < _SAME_DAY_VISIT)
    count = np.where(people.is_admin, 0, 1 + returns * (1 + more) + (same_day & ~returns))
    user = np.repeat(np.arange(len(steps)), count)
    number = np.arange(len(user)) - np.repeat(np.cumsum(count) - count, count)
    part = np.where(number == 0, 0.0, np.where(number == 1, 1.0, random.random(len(user)) ** 2))
    gap = np.where(returns[user], stay[user], random.uniform(0.04, 0.5, size=len(user)))
    day = np.minimum(people.arrival[user] + part * gap, DAYS - 0.04)
    order = np.lexsort((day, user))
    user, day = user[order], day[order]
    length = _shared_out(random, user, number, count, steps)
    new = (number > 0) & (random.random(len(user)) < _NEW_CATEGORY_AT_VISIT)
    category = people.category[user].copy()
    category[new] = draw_categories(random, int(new.sum()))
    return Visits(user, day, length, category, np.full(len(user), -1))


def _shared_out(
    random: np.random.Generator,
    user: NDArray[np.int64],
    number: NDArray[np.int64],
    count: NDArray[np.int64],
    steps: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Each visit has a step, and the rest goes by chance, the first visits getting more."""
    weight = random.gamma(1.0, size=len(user)) * np.where(number == 0, 1.5, 1.0)
    total = np.bincount(user, weight, minlength=len(steps))
    spare = (steps - count)[user] * weight / total[user]
    length = 1 + np.floor(spare).astype(np.int64)
    missing = steps - np.bincount(user, length, minlength=len(steps)).astype(np.int64)
    length[number == 0] += missing[user[number == 0]]
    return length
