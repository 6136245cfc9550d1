"""Tables of interactions that are written down row by row."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.tables import INTERACTIONS_FILE, column_types, interactions_schema
from tests.pipeline.by_hand.tiny_dataset import moments

USER_IDS, POST_IDS = np.array([3, 5, 8, 13]), np.array([2, 4, 6, 7, 9])


def table(rows: list[tuple[int, int, str, int, int]]) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "user_id": np.array([user for user, *_ in rows], dtype=np.int64),
            "post_id": np.array([post for _, post, *_ in rows], dtype=np.int64),
            "verb": pd.Series([verb for _, _, verb, *_ in rows], dtype="str"),
            "at": moments([day for *_, day, _ in rows]),
            "rating_percent": pd.array(
                [percent if verb == "rating" else None for _, _, verb, _, percent in rows], dtype="Int16"
            ),
        }
    )
    return frame.sort_values(["at", "user_id", "post_id", "verb"], ignore_index=True, kind="stable")


def write_interactions(interactions: pd.DataFrame, directory: Path) -> None:
    """Write interactions.parquet as `moodfeed clean` does; columns that are missing are null."""
    directory.mkdir(parents=True, exist_ok=True)
    types = dict(column_types(INTERACTIONS_FILE))
    typed = interactions.reindex(columns=list(types)).astype(types)
    pq.write_table(pa.Table.from_pandas(typed, schema=interactions_schema()), directory / INTERACTIONS_FILE)
