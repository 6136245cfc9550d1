from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bundle.directory import current_bundle, open_bundle
from bundle.index_posts import IndexPosts
from pipeline.dataset import Dataset, DatasetError
from pipeline.encode import encode_posts, encode_users
from pipeline.export import export, write_csv
from pipeline.train import train
from pipeline.trained_towers import EpochReport, NoTrainedTowersError, TrainedTowers
from pipeline.training_config import Objective, TrainingConfig
from pipeline.training_run import TrainingRun
from tests.pipeline.small_catalogues import with_served_encoder_as_committed
from tests.tiny_bundle import TINY_ENCODER

CONFIG = TrainingConfig(epochs=2)


def weights(towers: TrainedTowers) -> list[torch.Tensor]:
    return [*towers.user_tower.state_dict().values(), *towers.post_tower.state_dict().values()]


@pytest.fixture(scope="module")
def towers(tiny_dataset: Dataset) -> TrainedTowers:
    return train(tiny_dataset, CONFIG)


def test_the_same_seed_and_data_give_the_same_bundle(
    tiny_dataset: Dataset, towers: TrainedTowers, tmp_path: Path
) -> None:
    with with_served_encoder_as_committed():
        ids = [
            export(
                tiny_dataset,
                trained,
                None,
                encoder_directory=TINY_ENCODER,
                bundles=tmp_path / name,
                sidecar={"created_at": name},
            ).bundle_id
            for name, trained in (("first", towers), ("second", train(tiny_dataset, CONFIG)))
        ]
    assert ids[0] == ids[1]


def test_another_seed_gives_other_towers(tiny_dataset: Dataset, towers: TrainedTowers) -> None:
    second = train(tiny_dataset, replace(CONFIG, seed=8))
    assert not all(torch.equal(a, b) for a, b in zip(weights(towers), weights(second), strict=True))


def test_a_run_that_was_cut_off_ends_as_if_it_had_not_been(tiny_dataset: Dataset, tmp_path: Path) -> None:
    config = TrainingConfig(epochs=3)

    def cut(report: EpochReport) -> None:
        if report.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tiny_dataset, config, run=TrainingRun(checkpoint=tmp_path / "checkpoint", on_epoch=cut))
    epochs: list[int] = []
    resumed = train(
        tiny_dataset,
        config,
        run=TrainingRun(checkpoint=tmp_path / "checkpoint", on_epoch=lambda report: epochs.append(report.epoch)),
    )
    assert epochs == [3]
    whole = train(tiny_dataset, config)
    assert resumed.epochs == whole.epochs
    assert all(torch.equal(a, b) for a, b in zip(weights(resumed), weights(whole), strict=True))


def test_a_checkpoint_of_other_data_or_settings_is_not_taken_up(tiny_dataset: Dataset, tmp_path: Path) -> None:
    train(tiny_dataset, CONFIG, run=TrainingRun(checkpoint=tmp_path / "checkpoint"))
    epochs: list[int] = []
    train(
        tiny_dataset,
        replace(CONFIG, seed=9),
        run=TrainingRun(checkpoint=tmp_path / "checkpoint", on_epoch=lambda report: epochs.append(report.epoch)),
    )
    assert epochs == [1, 2]


@pytest.mark.parametrize("objective", [Objective.SOFTMAX, Objective.MSE])
def test_training_lowers_the_loss(tiny_dataset: Dataset, objective: Objective) -> None:
    towers = train(tiny_dataset, TrainingConfig(objective=objective, epochs=5))
    assert towers.epochs[-1].training_loss < towers.epochs[0].training_loss


def test_trained_towers_are_read_back_as_they_were(towers: TrainedTowers, tmp_path: Path) -> None:
    towers.write(tmp_path)
    again = TrainedTowers.read(tmp_path)
    assert again.epochs == towers.epochs
    assert all(torch.equal(a, b) for a, b in zip(weights(towers), weights(again), strict=True))
    with pytest.raises(NoTrainedTowersError, match="moodfeed train"):
        TrainedTowers.read(tmp_path / "elsewhere")


def test_embeddings_are_unit_vectors_and_an_empty_history_has_one_too(
    tiny_dataset: Dataset, towers: TrainedTowers
) -> None:
    posts = encode_posts(towers, tiny_dataset)
    users = encode_users(towers, tiny_dataset, posts, np.arange(len(tiny_dataset.user_ids)))
    np.testing.assert_allclose(np.linalg.norm(posts.embeddings, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(users, axis=1), 1, atol=1e-5)
    assert (np.diff(tiny_dataset.pairs.offsets) == 0).any()


def test_towers_of_other_data_are_not_exported(tiny_dataset: Dataset, towers: TrainedTowers, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="moodfeed train"):
        export(
            tiny_dataset,
            replace(towers, data_fingerprint="other"),
            None,
            encoder_directory=TINY_ENCODER,
            bundles=tmp_path,
            sidecar={},
        )


def test_the_index_holds_servable_posts_only_and_the_csv_all_of_them(
    dataset: Dataset, small_bundles: Path, tmp_path: Path
) -> None:
    index = IndexPosts.read(open_bundle(current_bundle(small_bundles)))
    servable = dataset.posts.loc[dataset.posts["is_servable"], "post_id"]
    assert sorted(index.post_ids.tolist()) == sorted(servable)
    assert 0 < len(servable) < len(dataset.posts)
    assert write_csv(index, tmp_path / "posts.csv") == len(servable)
    assert len((tmp_path / "posts.csv").read_text(encoding="utf-8").splitlines()) == len(servable) + 1


def test_a_bundle_holds_nothing_of_a_person_but_id_and_username(small_bundles: Path) -> None:
    directory = current_bundle(small_bundles)
    content = b"".join(path.read_bytes() for path in directory.iterdir() if path.suffix in {".json", ".jsonl"})
    for private in (b"mail.example.com", b"Private words", b"First9", b"sample-token", b"sample-algorithm"):
        assert private not in content
