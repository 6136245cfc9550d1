"""In what a bundle's towers and BERT run: NumPy and OpenVINO, or torch, which is loaded only if asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from bundle.directory import Bundle
from bundle.embedding_space import Matrix
from mood_encoder.openvino_encoder import LOWEST_COSINE, OpenVinoEncoder
from mood_encoder.runtime import Runtime, TextEncoder
from two_tower.features import Histories, PostInputs
from two_tower.numpy_towers import NumpyTowers
from two_tower.tower_config import TowerConfig
from two_tower.tower_files import KnownPosts
from two_tower.words import Vocabulary

SAME_COSINE = 1 - 1e-4
"""Of an embedding to itself, where another kind of processor rounds otherwise; another model is far off."""


class ServingTowers(Protocol):
    """Both towers of a bundle: two_tower.towers.Towers in torch, NumpyTowers without it."""

    @property
    def config(self) -> TowerConfig:
        """Their shape."""

    @property
    def vocabulary(self) -> Vocabulary:
        """The words that the post tower knows."""

    @property
    def known(self) -> KnownPosts:
        """The posts of its time."""

    def embed_users(self, representations: Matrix, histories: Histories) -> Matrix:
        """Unit embeddings [users, tower dimension]."""

    def embed_posts(self, posts: PostInputs) -> Matrix:
        """Unit embeddings [posts, tower dimension]."""


@dataclass(frozen=True, slots=True)
class Models:
    """What encodes; ``lowest_mood_cosine``: how near a mood must come to what the full BERT makes of it."""

    towers: ServingTowers
    mood_encoder: TextEncoder
    lowest_mood_cosine: float


def read_models(bundle: Bundle, runtime: Runtime) -> Models:
    """Read the towers and the BERT of a bundle; BundleError names the file that cannot be used."""
    return _READERS[runtime](bundle)


def _read_numpy_and_openvino(bundle: Bundle) -> Models:
    return Models(NumpyTowers.read(bundle), OpenVinoEncoder.read(bundle), LOWEST_COSINE)


def _read_torch(bundle: Bundle) -> Models:
    import torch  # noqa: PLC0415 - half a gigabyte, for who asks for it

    from mood_encoder.torch_encoder import TorchEncoder  # noqa: PLC0415 - loads torch and transformers
    from two_tower.torch_towers import TorchTowers  # noqa: PLC0415

    torch.set_num_threads(1)  # requests run side by side; more threads than cores cost tenfold
    return Models(TorchTowers.read(bundle), TorchEncoder.read(bundle), SAME_COSINE)


_READERS: Mapping[Runtime, Callable[[Bundle], Models]] = {
    Runtime.OPENVINO: _read_numpy_and_openvino,
    Runtime.TORCH: _read_torch,
}
