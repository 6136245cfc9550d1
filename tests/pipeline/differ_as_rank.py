"""One of two processes whose settings differ, started by test_ranks.py; prints why they cannot train together."""

import os

from pipeline.ranks import RanksError, joined_ranks


def main() -> None:
    rank = os.environ["RANK"]
    with joined_ranks("cpu") as ranks:
        ranks.refuse_other_facts({"epochs": 3, "of any length": [1]}, what_to_do="Never")
        try:
            ranks.refuse_other_facts(
                {"epochs": 3, "seed": int(rank), "objective": "softmax" if rank == "0" else "bce", f"only {rank}": 0.5},
                what_to_do="Start all with the same options",
            )
        except RanksError as error:
            print(error)


if __name__ == "__main__":
    main()
