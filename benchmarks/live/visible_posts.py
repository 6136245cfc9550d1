"""How soon a post is in feeds after its upsert was acknowledged, at the gateway that took it and at another one."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np

from benchmarks.live.bench import Bench
from benchmarks.live.clients import MOST_UPSERTED, Caller, RefusedError, calling, post_ids
from benchmarks.live.fleet import Fleet, running_fleet
from benchmarks.live.live_posts import THEMES, live_post
from benchmarks.live.results import Found, Line
from benchmarks.live.stores import STORES, running_store
from store.posts import Post

AS_OPERATOR = {"MOODFEED_GATEWAY_ADMIN_FROM_THIS_MACHINE": "true"}
"""Variables of a gateway that admits writes of posts from this machine."""

HERE, THERE = "the same gateway", "the other gateway"
FEEDS = ("its category", "all", "a mood", "similar posts")
_POSTS = 1_000  # of the bundle, so that the whole ranking is ten pages
_PAGE = 100
_IN_A_ROW = 4  # answers that show it before it counts as visible: the indexes take turns
_LONGEST_SECONDS = 30.0
_BAR_MS = 1000
_OF_BUNDLE, _NEW = 1, 100  # a category of the bundle, and the first new one
_STOCK = 10_000  # the number of the first post of those that are there before

Ask = Callable[[Caller], bool]
"""Whether a gateway shows the post."""


@dataclass(slots=True)
class Visible:
    """Seconds from the acknowledgement until the post is visible, by feed and gateway."""

    seconds: dict[tuple[str, str], list[float]] = field(
        default_factory=lambda: {(feed, where): [] for feed in FEEDS for where in (HERE, THERE)}
    )

    @property
    def slowest(self) -> list[float]:
        """Of each post, in the feed that showed it last."""
        return [max(of_post) for of_post in zip(*self.seconds.values(), strict=True)]


def measure(bench: Bench) -> Found:
    """Posts one by one through each gateway in turn, then many at once."""
    trials, many = bench.pick(200, 2), bench.pick(512, 16)
    bundles = bench.synthetic_bundle(posts=_POSTS)
    lines: list[Line] = []
    curves: dict[str, tuple[float, ...]] = {}
    for kind in STORES[: bench.pick(2, 1)]:
        with (
            running_store(kind, bench.scratch / kind) as (url, _),
            running_fleet(
                bundles,
                bench.scratch / "logs" / kind,
                store_url=url,
                towers=bench.pick(2, 1),
                indexes=bench.pick(2, 1),
                variables=AS_OPERATOR,
            ) as fleet,
        ):
            bench.say(f"{kind}: {trials} posts, one by one")
            visible = _try(fleet, trials)
            bench.say(f"{kind}: {many} posts at once")
            rate = _encoded_rate(fleet, many)
        lines += _lines(kind, visible)
        lines.append(
            Line(f"posts/s that are encoded: {kind}", rate, "/s", note=f"{many} at once, until all are served")
        )
        curves[kind] = tuple(visible.slowest)
    return Found(how=_HOW, lines=tuple(lines), curves=curves)


def _try(fleet: Fleet, trials: int) -> Visible:
    visible = Visible()
    with ExitStack() as stack:
        callers = [stack.enter_context(calling(address)) for address in fleet.gateways]
        stock = [live_post(_STOCK + theme, _OF_BUNDLE, theme=theme) for theme in range(THEMES)]
        callers[0].upsert(stock)
        _wait_until_served(callers[0], stock)
        for number in range(trials):
            here, there = callers if number % 2 else callers[::-1]
            post = live_post(number, _NEW + number if number % 4 < 2 else _OF_BUNDLE)
            asks = _asks(post, like=stock[number % THEMES])
            here.upsert([post])
            acknowledged = time.perf_counter()
            with _Watchers({HERE: here, THERE: there}, asks, acknowledged) as watchers:
                watchers.wait()
            for key, seconds in watchers.seconds.items():
                visible.seconds[key].append(seconds)
            here.delete([post.post_id])  # so that it is in nobody's way
    return visible


def _asks(post: Post, *, like: Post) -> Mapping[str, Ask]:
    """The feeds that must show a post, by FEEDS; known users' feeds are read to their end."""
    person = f"user{post.post_id % 100}"
    category_id = post.category_id

    def of_category(caller: Caller) -> bool:
        return _is_in_pages(caller, post.post_id, person, category_id=category_id)

    def of_all(caller: Caller) -> bool:
        return _is_in_pages(caller, post.post_id, person)

    def of_mood(caller: Caller) -> bool:
        answer = caller.feed("a stranger", category_id=category_id, mood=post.title, page_size=_PAGE)
        return post.post_id in post_ids(answer)

    def of_similar(caller: Caller) -> bool:
        return post.post_id in post_ids(caller.similar(like.post_id, page_size=_PAGE))

    return dict(zip(FEEDS, (of_category, of_all, of_mood, of_similar), strict=True))


def _is_in_pages(caller: Caller, post_id: int, username: str, **fields: object) -> bool:
    answer = caller.feed(username, page_size=_PAGE, **fields)
    while post_id not in post_ids(answer):
        if not answer.next_page_token:
            return False
        answer = caller.feed(username, page_size=_PAGE, page_token=answer.next_page_token, **fields)
    return True


class _Watchers:
    """A thread for each gateway that asks for the feeds in turn until each shows the post."""

    def __init__(self, callers: Mapping[str, Caller], asks: Mapping[str, Ask], begun: float) -> None:
        self.seconds = {(feed, where): float("inf") for feed in asks for where in callers}
        self._asks, self._begun = asks, begun
        self._error: BaseException | None = None
        self._threads = [
            threading.Thread(target=self._watch, args=(where, caller), daemon=True) for where, caller in callers.items()
        ]

    def __enter__(self) -> "_Watchers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.wait()

    def wait(self) -> None:
        """Until all feeds show the post, or too much time has passed; raises what a thread raised."""
        for thread in self._threads:
            thread.join()
        if self._error is not None:
            raise self._error

    def _watch(self, where: str, caller: Caller) -> None:
        left = dict.fromkeys(self._asks, 0)  # answers in a row
        try:
            while left and time.perf_counter() - self._begun < _LONGEST_SECONDS:
                for feed in list(left):
                    if not _shows(caller, self._asks[feed]):
                        left[feed] = 0
                        continue
                    if not left[feed]:
                        self.seconds[feed, where] = time.perf_counter() - self._begun
                    left[feed] += 1
                    if left[feed] == _IN_A_ROW:
                        del left[feed]
        except Exception as error:  # noqa: BLE001 - it is raised where the figure is measured
            self._error = error
        for feed in left:
            self.seconds[feed, where] = float("inf")


def _shows(caller: Caller, ask: Ask) -> bool:
    """Whether a gateway shows the post; one whose category is new to it does not."""
    try:
        return ask(caller)
    except RefusedError as error:
        if error.refusal.status != "NOT_FOUND":
            raise
        return False


def _encoded_rate(fleet: Fleet, count: int) -> float:
    """Posts a second from the first acknowledgement until searches find all of them."""
    with calling(fleet.gateways[0]) as caller:
        posts = [live_post(2 * _STOCK + number, _OF_BUNDLE) for number in range(count)]
        begun = time.perf_counter()
        for first in range(0, count, MOST_UPSERTED):
            caller.upsert(posts[first : first + MOST_UPSERTED])
        _wait_until_served(caller, posts)
        return count / (time.perf_counter() - begun)


def _wait_until_served(caller: Caller, posts: Sequence[Post], *, seconds: float = 300.0) -> None:
    ids = [post.post_id for post in posts]
    deadline = time.monotonic() + seconds
    while (served := caller.served(ids)) < len(ids):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{served} of {len(ids)} posts are served after {seconds:g} s")
        time.sleep(0.02)


def _lines(store: str, visible: Visible) -> list[Line]:
    lines = []
    for (feed, where), seconds in visible.seconds.items():
        p50, p99 = 1000 * np.quantile(seconds, [0.5, 0.99], method="higher")
        note = f"p50 {p50:,.0f} ms, {len(seconds)} posts"
        lines.append(Line(f"upsert to {feed}, {where}, p99: {store}", float(p99), "ms", at_most=_BAR_MS, note=note))
    p50, p99 = 1000 * np.quantile(visible.slowest, [0.5, 0.99], method="higher")
    lines.append(
        Line(f"upsert to all four feeds at both, p99: {store}", p99, "ms", at_most=_BAR_MS, note=f"p50 {p50:,.0f} ms")
    )
    return lines


_HOW = (
    f"Two gateways, two towers and two indexes as processes, a bundle of {_POSTS:,} posts. Each post has a text of its "
    "own and comes by `UpsertPosts` through one gateway; half of them bring a new category. From the acknowledgement, "
    "both gateways are asked without `at_least_position` for a known person's feeds of its category and of all, read "
    "page by page, for the first page of a stranger who names the category and, as the mood, its text, and for the "
    f"posts similar to one of the same theme, until {_IN_A_ROW} answers in a row show it; the first of them counts. "
    "Encoding is included."
)
