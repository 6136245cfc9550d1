"""Tables of interactions that are written down row by row."""

import numpy as np
import pandas as pd

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
