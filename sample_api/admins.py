"""The visits of admins: they look at new posts soon after the upload, the busiest owner at their own."""

import numpy as np
from numpy.typing import NDArray

from sample_api.people import People, Visits, draw_categories
from sample_api.sizes import DAYS
from sample_api.uploads import Posts

_OWN_SHARE = 0.03  # of all steps are the busiest owner's on their own posts
_MOST_OWN = 0.7  # of the owner's steps
_NEW_SHARE = 0.6  # of the other admins' steps
_NEW_OF_OWNER = 0.25  # of the busiest owner's, beside their own
_OLD_SHARE = 0.35  # of what is left they look at old posts, batch by batch
_LOOK_STEPS, _VISIT_STEPS = 14, 18


def make_admin_visits(random: np.random.Generator, people: People, steps: NDArray[np.int64], posts: Posts) -> Visits:
    """The visits of all admins; ``steps`` [people] as for other visits."""
    sizes = np.bincount(posts.batches)
    ends = np.zeros(len(sizes))
    np.maximum.at(ends, posts.batches, posts.created)
    owners = np.zeros(len(sizes), dtype=np.int64)
    owners[posts.batches] = posts.owners
    admins = int(people.is_admin.sum())
    user, day, length, batch = _looks_of_owner(random, steps, sizes=sizes, ends=ends, owners=owners)
    parts = [(user, day, length, batch)]
    new = np.round(_NEW_SHARE * steps[:admins]).astype(np.int64)
    new[0] = round(_NEW_OF_OWNER * int(steps[0]))
    parts.append(_looks(random, new, sizes=sizes, ends=ends))
    looked = np.bincount(user, length, minlength=admins).astype(np.int64) + new
    rest = np.maximum(steps[:admins] - looked, 0)
    old = np.round(_OLD_SHARE * rest).astype(np.int64)
    parts.append(_looks(random, old, sizes=sizes, ends=ends, latest=DAYS))
    parts.append(_ordinary(random, rest - old, people.arrival[:admins]))
    user = np.concatenate([part[0] for part in parts])
    day = np.concatenate([part[1] for part in parts])
    length = np.concatenate([part[2] for part in parts])
    batch = np.concatenate([part[3] for part in parts])
    keep = (length > 0) & (day < DAYS - 0.04)
    order = np.lexsort((day[keep], user[keep]))
    kept = np.flatnonzero(keep)[order]
    user, day, length, batch = user[kept], day[kept], length[kept], batch[kept]
    category = np.where(random.random(len(user)) < 0.8, people.category[user], draw_categories(random, len(user)))
    return Visits(user, day, length, category, batch)


_Columns = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]


def _looks_of_owner(
    random: np.random.Generator,
    steps: NDArray[np.int64],
    *,
    sizes: NDArray[np.int64],
    ends: NDArray[np.float64],
    owners: NDArray[np.int64],
) -> _Columns:
    own = random.permutation(np.flatnonzero(owners == 0))
    wanted = min(round(_OWN_SHARE * int(steps.sum())), round(_MOST_OWN * int(steps[0])))
    share = min(wanted / max(int(sizes[own].sum()), 1) * 1.15, 0.9)
    length = np.maximum(np.round(sizes[own] * share * random.uniform(0.6, 1.4, size=len(own))), 1).astype(np.int64)
    length = np.minimum(length, sizes[own])
    paid = np.cumsum(length) <= wanted
    day = ends[own] + random.uniform(0.005, 0.05, size=len(own))
    return np.zeros(int(paid.sum()), dtype=np.int64), day[paid], length[paid], own[paid]


def _looks(
    random: np.random.Generator,
    steps: NDArray[np.int64],
    *,
    sizes: NDArray[np.int64],
    ends: NDArray[np.float64],
    latest: float | None = None,
) -> _Columns:
    """Looks at batches within hours after the upload, or until ``latest`` (days)."""
    user, length = _portions(steps, _LOOK_STEPS)
    batch = random.choice(len(sizes), size=len(user), p=sizes / sizes.sum())
    wait = 0.6 if latest is None else latest - ends[batch]
    chance = random.random(len(user)) if latest is None else random.random(len(user)) ** 0.4
    day = ends[batch] + 0.01 + (wait - 0.01) * chance
    return user, day, np.minimum(length, sizes[batch]), batch


def _ordinary(random: np.random.Generator, steps: NDArray[np.int64], arrival: NDArray[np.float64]) -> _Columns:
    user, length = _portions(steps, _VISIT_STEPS)
    day = arrival[user] + (DAYS - 0.1 - arrival[user]) * random.random(len(user))
    return user, day, length, np.full(len(user), -1)


def _portions(steps: NDArray[np.int64], each: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Visits of equal length that add up to the steps of each person: users and lengths."""
    count = -(-steps // each)
    user = np.repeat(np.arange(len(steps)), count)
    number = np.arange(len(user)) - np.repeat(np.cumsum(count) - count, count)
    return user, np.minimum(each, steps[user] - number * each)
