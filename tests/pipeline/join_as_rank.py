"""One of two processes that join within a second, started by test_ranks.py: JOIN SILENCE BUSY, in seconds.

The first of them is busy for so long before they talk. Prints the sum of a one of each, or why there is none.
"""

import sys
import time
from datetime import timedelta

import torch

from pipeline.ranks import LostRanksError, joined_ranks


def main(join: float, silence: float, busy: float) -> None:
    try:
        with joined_ranks("cpu", join=timedelta(seconds=join), silence=timedelta(seconds=silence)) as ranks:
            time.sleep(busy if ranks.is_first else 0)
            print(int(ranks.sum(torch.ones(1))))
    except LostRanksError as error:
        print(error)


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
