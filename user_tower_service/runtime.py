"""The models of a bundle in either runtime: NumPy and OpenVINO, or torch, which is imported only if it is chosen."""

from collections.abc import Mapping
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
"""The least cosine of an embedding to itself on a processor that rounds differently; another model is far below."""


class ServingTowers(Protocol):
    """Both towers of a bundle. TorchTowers and NumpyTowers are the implementations."""

    @property
    def config(self) -> TowerConfig:
        """Their shapes and constants."""

    @property
    def vocabulary(self) -> Vocabulary:
        """The words of the post tower."""

    @property
    def known(self) -> KnownPosts:
        """The posts and categories that existed in training."""

    def embed_users(self, representations: Matrix, histories: Histories) -> Matrix:
        """Unit embeddings [users, tower dimension]."""

    def represent_posts(self, posts: PostInputs) -> Matrix:
        """Posts as histories hold them: representations [posts, representation dimension]."""

    def embed_posts(self, posts: PostInputs) -> Matrix:
        """Unit embeddings [posts, tower dimension]."""


LOWEST_MOOD_COSINES: Mapping[Runtime, float] = {Runtime.OPENVINO: LOWEST_COSINE, Runtime.TORCH: SAME_COSINE}
"""The least cosine of a mood to its embedding by the full BERT."""


def read_towers(bundle: Bundle, runtime: Runtime) -> ServingTowers:
    """Read the towers of a bundle; BundleError names the file that cannot be used."""
    if runtime is Runtime.OPENVINO:
        return NumpyTowers.read(bundle)
    from two_tower.torch_towers import TorchTowers  # noqa: PLC0415 - loads torch

    _use_one_thread()
    return TorchTowers.read(bundle)


def read_mood_encoder(bundle: Bundle, runtime: Runtime) -> TextEncoder:
    """Read the mood encoder of a bundle; BundleError names the file that cannot be used."""
    if runtime is Runtime.OPENVINO:
        return OpenVinoEncoder.read(bundle)
    from mood_encoder.torch_encoder import TorchEncoder  # noqa: PLC0415 - loads torch and transformers

    _use_one_thread()
    return TorchEncoder.read(bundle)


def _use_one_thread() -> None:
    import torch  # noqa: PLC0415 - half a gigabyte, only where it is chosen

    torch.set_num_threads(1)  # requests run in parallel; more threads than cores are ten times slower
