"""Combine all interactions of a user with a post into one strength."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.tables import read_interactions, write_scores

STRENGTHS = {
    "view": 0.2,  # the post was on the screen
    "rating": 0.5,  # a rating at the user's own mean; 0.1 for the lowest ratings, 0.9 for the highest
    "like": 0.8,
    "inspire": 1.0,
}
"""Strength of one event of each verb, 0 to 1."""

RATING_SPREAD = 0.4  # largest difference in strength between a user's extreme rating and mean rating
SHRINKAGE = 3.0  # weight of the overall mean, in ratings, so that a single rating has little influence


@dataclass(frozen=True, slots=True)
class ScoreReport:
    """The number of events and pairs, and the mean strength of a pair."""

    events: int
    pairs: int
    mean_strength: float

    def rows(self) -> list[tuple[str, ...]]:
        """The report as a table to print, headings first."""
        return [
            ("events", "user-post pairs", "mean strength"),
            (str(self.events), str(self.pairs), f"{self.mean_strength:.3f}"),
        ]


def score(clean_directory: Path, output: Path) -> ScoreReport:
    """Score the clean interactions and write one row for each user and post."""
    interactions = read_interactions(clean_directory)
    scores = score_frame(interactions)
    write_scores(scores, output)
    mean = float(scores["strength"].mean()) if len(scores) else 0.0
    return ScoreReport(events=len(interactions), pairs=len(scores), mean_strength=mean)


def score_frame(interactions: pd.DataFrame) -> pd.DataFrame:
    """Strength of each (user, post): 1 - the product of (1 - strength) over its verbs, each verb at its strongest.

    So different verbs add up without exceeding 1, and repeating a verb changes nothing. Columns as in
    scores.parquet, sorted by user, last moment and post.
    """
    events = interactions[["user_id", "post_id", "verb", "at"]].assign(strength=event_strengths(interactions))
    by_verb = events.groupby(["user_id", "post_id", "verb"], sort=True, as_index=False).agg(
        strength=("strength", "max"), first_at=("at", "min"), last_at=("at", "max"), event_count=("at", "size")
    )
    by_verb["doubt"] = np.log1p(-by_verb["strength"].clip(upper=1 - 1e-6))
    by_verb = by_verb.sort_values(["user_id", "post_id", "strength"], kind="stable", ignore_index=True)
    pairs = by_verb.groupby(["user_id", "post_id"], sort=True, as_index=False).agg(
        doubt=("doubt", "sum"),
        verb=("verb", "last"),
        first_at=("first_at", "min"),
        last_at=("last_at", "max"),
        event_count=("event_count", "sum"),
    )
    pairs["strength"] = (1 - np.exp(pairs["doubt"])).clip(0, 1).astype("float32")
    pairs["event_count"] = pairs["event_count"].astype("int32")
    return pairs.drop(columns="doubt").sort_values(["user_id", "last_at", "post_id"], ignore_index=True)


def event_strengths(interactions: pd.DataFrame) -> "pd.Series[float]":
    """Strength of each event; that of a rating is relative to the user's other ratings."""
    strengths = interactions["verb"].map(STRENGTHS).astype("float64")
    ratings = interactions.loc[interactions["verb"] == "rating", ["user_id", "rating_percent"]].astype("float64")
    if ratings.empty:
        return strengths
    percent = ratings["rating_percent"]
    by_user = percent.groupby(ratings["user_id"])
    count = by_user.transform("size")
    overall_mean, overall_deviation = percent.mean(), percent.std(ddof=0)
    mean = (by_user.transform("sum") + SHRINKAGE * overall_mean) / (count + SHRINKAGE)
    squares = ((percent - mean) ** 2).groupby(ratings["user_id"]).transform("sum")
    variance = (squares + SHRINKAGE * overall_deviation**2) / (count + SHRINKAGE)
    deviation = np.maximum(np.sqrt(variance), 1.0)
    strengths.loc[ratings.index] = STRENGTHS["rating"] + RATING_SPREAD * np.tanh((percent - mean) / deviation)
    return strengths
