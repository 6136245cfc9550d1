"""Import the MicroLens selection (Ni et al. 2023, arXiv 2309.15379) as clean tables for every later stage."""

from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.clean import CleanReport, Finding, write_report
from pipeline.tables import POST_COUNTS, USER_COUNTS, write_interactions, write_posts, write_users

VERB = "view"  # the set has one kind of interaction, a comment, which implies at least a view
END = pd.Timestamp("2026-01-01", tz="UTC")
_STEP = pd.Timedelta(hours=1)
_COLUMNS = {
    "interactions.parquet": ("user_id", "post_id", "position"),
    "posts.parquet": ("post_id", "title", "hashtags", "category_id", "category"),
}
_INTEGERS = ("user_id", "post_id", "position", "category_id")
_MOST_EXAMPLES = 3


class ImportSourceError(Exception):
    """A source file is missing or broken: names the file and the fault."""


def import_microlens(source: Path, output: Path) -> CleanReport:
    """Write posts.parquet, users.parquet, interactions.parquet and report.json from the two files in ``source``.

    The set has an order but no timestamps. Every user's last interaction gets the same moment, and each earlier one
    is an hour older: recency is meaningful within a history, but not between users. Interactions with unknown posts and
    repeated pairs are dropped and counted. ImportSourceError if a file is missing or broken.
    """
    interactions = _read(source / "interactions.parquet")
    posts = _read(source / "posts.parquet")
    repeated_posts = posts["post_id"].duplicated()
    is_orphan = ~interactions["post_id"].isin(posts["post_id"])
    is_repeated = interactions.duplicated(["user_id", "post_id"]) & ~is_orphan
    findings = [
        Finding(
            "post", "duplicate id: kept once", int(repeated_posts.sum()), _examples(posts["post_id"], repeated_posts)
        ),
        Finding(
            "interaction", "unknown post: dropped", int(is_orphan.sum()), _examples(interactions["post_id"], is_orphan)
        ),
        Finding(
            "interaction",
            "duplicate user and post: kept once",
            int(is_repeated.sum()),
            _examples(interactions["post_id"], is_repeated),
        ),
    ]
    posts = posts[~repeated_posts]
    interactions = interactions[~is_orphan & ~is_repeated]
    write_posts(_posts(posts), output)
    write_users(_users(interactions), output)
    write_interactions(_interactions(interactions), output)
    report = CleanReport(
        kept={"post": len(posts), "user": interactions["user_id"].nunique(), "interaction": len(interactions)},
        findings=tuple(finding for finding in findings if finding.count),
    )
    write_report(report, output)
    return report


def _posts(posts: pd.DataFrame) -> pd.DataFrame:
    titles = posts["title"].fillna("").astype(str)
    has_category = posts["category_id"] > 0  # 0 is the set's "other"
    return pd.DataFrame(
        {
            "post_id": posts["post_id"],
            "video_link": "microlens:" + posts["post_id"].astype(str),
            "title": titles,
            "thumbnail_url": "",
            "owner_username": "",
            "category_id": posts["category_id"].where(has_category).astype("Int32"),
            "category_name": posts["category"].where(has_category),
            "created_at": END - pd.Timedelta(days=365),
            **dict.fromkeys(POST_COUNTS, 0),
            "average_rating": np.nan,
            "is_servable": True,
            "description": "",
            "keywords": posts["hashtags"].map(lambda tags: "" if tags is None else ", ".join(tags)),
            "mood_text": "",
            "content_text": titles,
            "summary_text": titles,
        }
    )


def _users(interactions: pd.DataFrame) -> pd.DataFrame:
    user_ids = np.unique(interactions["user_id"])
    return pd.DataFrame(
        {
            "user_id": user_ids,
            "username": [f"microlens-{user_id}" for user_id in user_ids],
            "is_verified": False,
            "user_type": "",
            **dict.fromkeys(USER_COUNTS, 0),
            "answers": True,
        }
    )


def _interactions(interactions: pd.DataFrame) -> pd.DataFrame:
    ordered = interactions.sort_values(["user_id", "position"])
    left = ordered.groupby("user_id").cumcount(ascending=False)
    return pd.DataFrame(
        {
            "user_id": ordered["user_id"],
            "post_id": ordered["post_id"],
            "verb": VERB,
            "at": END - left * _STEP,
            "rating_percent": pd.NA,
        }
    )


def _read(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_parquet(path)
    except FileNotFoundError:
        raise ImportSourceError(f"{path} is missing: pass the directory that holds {' and '.join(_COLUMNS)}") from None
    except (ValueError, OSError) as error:
        raise ImportSourceError(f"{path} cannot be read as Parquet: {error}") from error
    missing = [name for name in _COLUMNS[path.name] if name not in table.columns]
    if missing:
        raise ImportSourceError(f"{path}: column {missing[0]} is missing")
    for name in table.columns.intersection(list(_INTEGERS)):
        if not pd.api.types.is_integer_dtype(table[name]) or table[name].isna().any():
            raise ImportSourceError(f"{path}: column {name} holds a value that is not an integer")
    return table


def _examples(values: "pd.Series[int]", is_chosen: "pd.Series[bool]") -> tuple[str, ...]:
    return tuple(f"id {value}" for value in values[is_chosen].head(_MOST_EXAMPLES))
