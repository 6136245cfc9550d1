"""The result of training: the towers, the reports of its epochs, and the fingerprint of its data."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from safetensors.torch import load_file, save_file

from pipeline.whole_files import whole_file, write_whole_text
from two_tower.model import PostTower, UserTower
from two_tower.tower_config import TowerConfig
from two_tower.words import Vocabulary

USER_TOWER_FILE = "user_tower.safetensors"
POST_TOWER_FILE = "post_tower.safetensors"
FACTS_FILE = "training.json"
_FEWEST_VALIDATED = 1000


class NoTrainedTowersError(Exception):
    """A directory holds no trained towers: names the directory and the command to run."""


@dataclass(frozen=True, slots=True)
class EpochReport:
    """Mean losses of one epoch, and the metrics of held-out interactions after it (full catalogue, 0..1)."""

    epoch: int
    training_loss: float
    validation_loss: float
    validation_recall_at_10: float
    validation_ndcg_at_10: float
    validated: int  # number of held-out interactions in the metrics


def kept_epoch(epochs: Sequence[EpochReport]) -> EpochReport:
    """The epoch whose towers are kept: the one with the highest validation NDCG@10, on a tie the later one.

    With fewer than a thousand held-out interactions the metric is too noisy, and the last epoch is kept.
    """
    if not is_ranking_decisive(epochs):
        return epochs[-1]
    return max(epochs, key=lambda report: (report.validation_ndcg_at_10, report.epoch))


def is_ranking_decisive(epochs: Sequence[EpochReport]) -> bool:
    """Whether enough interactions were held out to tell which epoch ranks best."""
    return epochs[-1].validated >= _FEWEST_VALIDATED


@dataclass(frozen=True, slots=True)
class TrainedTowers:
    """The towers of the best epoch, and the reports of all epochs."""

    config: TowerConfig
    user_tower: UserTower
    post_tower: PostTower
    vocabulary: Vocabulary
    epochs: tuple[EpochReport, ...]
    data_fingerprint: str

    def write(self, directory: Path) -> None:
        """Write the towers; the facts come last, so that an incomplete directory is not read."""
        directory.mkdir(parents=True, exist_ok=True)
        facts = directory / FACTS_FILE
        facts.unlink(missing_ok=True)
        for name, tower in ((USER_TOWER_FILE, self.user_tower), (POST_TOWER_FILE, self.post_tower)):
            with whole_file(directory / name) as temporary:
                save_file(tower.state_dict(), temporary)
        document = {
            "config": asdict(self.config),
            "epochs": [asdict(epoch) for epoch in self.epochs],
            "data_fingerprint": self.data_fingerprint,
            "words": self.vocabulary.words,
        }
        write_whole_text(facts, json.dumps(document, indent=2) + "\n")

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Read the files that ``write`` wrote; NoTrainedTowersError if they are missing or incomplete."""
        try:
            document = json.loads((directory / FACTS_FILE).read_bytes())
        except FileNotFoundError:
            raise NoTrainedTowersError(f"{directory} holds no trained towers: run `moodfeed train`") from None
        try:
            config = TowerConfig(**document["config"])
        except TypeError:
            raise NoTrainedTowersError(
                f"{directory} holds towers of another version of this program: run `moodfeed train`"
            ) from None
        user_tower, post_tower = UserTower(config), PostTower(config)
        user_tower.load_state_dict(load_file(directory / USER_TOWER_FILE), strict=True)
        post_tower.load_state_dict(load_file(directory / POST_TOWER_FILE), strict=True)
        return cls(
            config=config,
            user_tower=user_tower.eval(),
            post_tower=post_tower.eval(),
            vocabulary=Vocabulary(document["words"]),
            epochs=tuple(EpochReport(**epoch) for epoch in document["epochs"]),
            data_fingerprint=document["data_fingerprint"],
        )
