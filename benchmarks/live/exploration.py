"""What exploration buys: in a simulated world, how many new posts get more than 100 likes with it and without it."""

from dataclasses import dataclass, replace

from benchmarks.live.bench import Bench
from benchmarks.live.exploring_arms import Outcome, Size, two_arms
from benchmarks.live.results import Found, Line, Table

MADE_ON = 0
SEEDS = (1, 2)
"""Other seeds than the one on which the world was made."""
SHARE = 0.19
WEIGHTS = (2.0, 1.0)
"""Of the popularity in the ranking; the first is the one that the bars are for."""
_MANY = 100


@dataclass(frozen=True, slots=True)
class Compared:
    """All arms of a weight, without exploration and with it."""

    without: tuple[Outcome, ...]
    explored: tuple[Outcome, ...]

    def past(self, likes: int) -> tuple[int, int]:
        """How many new posts got more likes."""
        return sum(arm.past(likes) for arm in self.without), sum(arm.past(likes) for arm in self.explored)

    @property
    def like_rates(self) -> tuple[float, float]:
        """The likes an impression."""
        rates = [
            sum(arm.likes for arm in arms) / sum(arm.impressions for arm in arms)
            for arms in (self.without, self.explored)
        ]
        return rates[0], rates[1]


def compare(bench: Bench, weight: float, seeds: tuple[int, ...]) -> Compared:
    """Each half of each world, once without exploration and once with it."""
    size = Size() if not bench.is_quick else Size(people=200, days=3, old_posts=50, new_posts_a_day=10, pages_a_day=50)
    without, explored = [], []
    for seed in seeds:
        for arm in two_arms(seed, size):
            weighted = replace(arm, popularity_weight=weight)
            without.append(weighted.run(share=0.0, seed=seed, days=size.days))
            explored.append(weighted.run(share=SHARE, seed=seed, days=size.days))
        bench.say(f"world {seed} with popularity times {weight:g}")
    return Compared(tuple(without), tuple(explored))


def measure(bench: Bench) -> Found:
    """The worlds of two seeds, for each weight of popularity."""
    seeds = SEEDS[: bench.pick(len(SEEDS), 1)]
    compared = {weight: compare(bench, weight, seeds) for weight in WEIGHTS}
    bar = compared[WEIGHTS[0]]
    before, after = bar.past(_MANY)
    share = sum(arm.explored for arm in bar.explored) / sum(arm.impressions for arm in bar.explored)
    rates = bar.like_rates
    lines = (
        Line("explored posts on a page, the most", max(arm.most_on_a_page for arm in bar.explored), at_most=1),
        Line("share of impressions that explore", 100 * share, "%", at_most=2),
        Line(
            f"new posts past {_MANY} likes, times those without exploration",
            after / before if before else float("nan"),
            at_least=1.5,
            note=f"{after} against {before} of {sum(len(arm.positives) for arm in bar.explored):,}",
        ),
        Line("likes an impression, times those without", rates[1] / rates[0]),
    )
    rows = tuple(
        (f"{weight:g}", *(f"{one} → {other}" for one, other in map(found.past, (10, 30, _MANY, 200))))
        for weight, found in compared.items()
    )
    head = ("popularity times", "past 10 likes", "past 30", f"past {_MANY}", "past 200")
    return Found(
        how=_HOW.format(seeds=" and ".join(map(str, seeds)), share=SHARE, other=MADE_ON),
        lines=lines,
        tables=(Table(head, rows),),
    )


_HOW = (
    "Simulated worlds {seeds}; the world was made on seed {other}. Posts and people are split by chance in two "
    "halves that never meet; each half goes through four weeks without exploration and with "
    "`MOODFEED_EXPLORATION_SHARE` {share}. The code that chooses is the index's own, the world and its ranking are "
    "described in `benchmarks/live/exploring_arms.py`: a ranking by taste and by the likes of the last 7 days, which a "
    "new post does not have. The more a ranking follows popularity, the more exploration buys, as the table shows. "
    "Nobody here is a real person."
)
