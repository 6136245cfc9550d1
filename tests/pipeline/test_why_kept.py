"""The sentences that say why an epoch is kept."""

from pipeline.trained_towers import EpochReport
from pipeline.why_kept import why_kept


def epochs_of(*ndcg: float, validated: int) -> tuple[EpochReport, ...]:
    return tuple(
        EpochReport(number, 1.0, 1.0, value, value, validated=validated) for number, value in enumerate(ndcg, start=1)
    )


def test_the_page_says_of_the_epoch_that_its_plot_marks_why_it_is_kept() -> None:
    assert why_kept(epochs_of(0.3, 0.2, 0.1, validated=5000)) == (
        "The towers of epoch 1 are kept, which has the highest NDCG@10 on 5,000 held-out interactions. "
        "By epoch: .300 (1), .200 (2), .100 (3)."
    )
    assert "epoch 2 are kept, the last of those with the highest" in why_kept(epochs_of(0.3, 0.3, 0.1, validated=5000))
    assert why_kept(epochs_of(0.3, 0.2, 0.1, validated=42)) == (
        "The towers of the last epoch, 3, are kept because it is the last: 42 held-out interactions are too few to "
        "tell which epoch ranks best. By NDCG@10 on 42 held-out interactions it would be epoch 1: "
        ".300 (1), .200 (2), .100 (3)."
    )
    assert "it would be the same one" in why_kept(epochs_of(0.1, 0.3, validated=42))
    assert "no interaction was held out" in why_kept(epochs_of(float("nan"), validated=0))
