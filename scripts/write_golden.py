"""Write the golden files of tests/golden: one of each format that outlives a release.

    python -m scripts.write_golden encoder     when the files of the mood encoder change; then formats
    python -m scripts.write_golden formats     when the version of the bundle or of the page token moves
    python -m scripts.write_golden contract    at a release

tests/golden/test_golden.py and tests/user_tower_service/test_golden_models.py hold the values that must be read from
them. They are literals, so that a writer and a reader with the same fault do not pass.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from bundle.file_names import MOOD_SPACE
from bundle.served_posts import ServedPost
from gateway import page_token
from mood_encoder.encoder_files import CONFIG, TOKENIZER, WEIGHTS
from mood_encoder.mood_reader import fitted_reader
from mood_encoder.mood_space_file import MOOD_SPACE_DTYPES
from mood_encoder.torch_encoder import TorchEncoder
from pipeline.convert_encoder import write_served_encoder
from post_index_service.packed_posts import pack, with_scores
from post_index_service.reasons import Reason
from tests.tiny_bundle import random_weights, write_tiny_bundle
from two_tower.tower_files import Shapes

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "golden"


BERT = {
    "model_type": "bert",
    "vocab_size": 8,
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 8,
    "max_position_embeddings": 128,
    "type_vocab_size": 2,
}
_DENSE = ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense")
BERT_SHAPES: Shapes = {
    "embeddings.word_embeddings.weight": (8, 8),
    "embeddings.position_embeddings.weight": (128, 8),
    "embeddings.token_type_embeddings.weight": (2, 8),
    "embeddings.LayerNorm.weight": (8,),
    "embeddings.LayerNorm.bias": (8,),
    **{f"encoder.layer.0.{name}.weight": (8, 8) for name in (*_DENSE, "intermediate.dense", "output.dense")},
    **{f"encoder.layer.0.{name}.bias": (8,) for name in (*_DENSE, "intermediate.dense", "output.dense")},
    **{
        f"encoder.layer.0.{name}.LayerNorm.{part}": (8,)
        for name in ("attention.output", "output")
        for part in ("weight", "bias")
    },
}


def write_encoder() -> None:
    """Replace the tiny BERT and its 8-bit graph, which every tiny bundle of the tests holds."""
    encoder = GOLDEN / "encoder"
    shutil.rmtree(encoder, ignore_errors=True)
    encoder.mkdir()
    (encoder / CONFIG).write_text(json.dumps(BERT), encoding="utf-8")
    words = {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "calm": 3, "happy": 4}
    tokenizer = Tokenizer(WordLevel(words, unk_token="[UNK]"))  # noqa: S106
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)])
    tokenizer.save(str(encoder / TOKENIZER))
    save_file(random_weights(np.random.default_rng(0), BERT_SHAPES, spread=0.02), encoder / WEIGHTS)
    bert = TorchEncoder(encoder)
    write_served_encoder(encoder, full=bert)
    write_encoder_space(bert)


def write_encoder_space(bert: TorchEncoder) -> None:
    """Replace the mood space of the tiny BERT."""
    space = fitted_reader(bert).space
    arrays = {name: getattr(space, name) for name in MOOD_SPACE_DTYPES}
    save_file(arrays, GOLDEN / "encoder" / Path(MOOD_SPACE).name)


def write_formats() -> None:
    """Replace the bundle, the page token and the packed post."""
    shutil.rmtree(GOLDEN / "bundles", ignore_errors=True)
    write_tiny_bundle(GOLDEN / "bundles")
    token = page_token.PageToken(
        bundle_id="0123456789abcdef" * 4,
        request_digest=page_token.digest("ana", 2, "calm 😌", (30,)),
        offset=20,
        left_out=frozenset({"mood"}),
        log_position=1234,
        issued_at_ms=1_700_000_000_000,
        counted_position=1200,
        feed="0123456789abcdef",
        served_since_ms=1_699_913_600_000,
        posts_position=1230,
        rules_moment_ms=1_699_999_999_000,
        has_started_again=True,
    )
    (GOLDEN / "page_token.txt").write_text(page_token.write(token) + "\n", encoding="utf-8")
    post = ServedPost(
        post_id=40,
        video_link="https://video.example/40",
        title="A lake in the rain ☔",
        thumbnail_url="https://video.example/40.jpg",
        category_id=2,
        owner_username="béla",
        external_id="lake-☔",
    )
    (GOLDEN / "packed_post.binpb").write_bytes(with_scores(pack(post), 0.25, -2.5, Reason.MOOD))


def write_contract() -> None:
    """Replace the image of the contract, which `buf breaking` compares the protos with."""
    buf = Path(sys.executable).parent / "buf"
    image = GOLDEN / "contract.binpb"
    subprocess.run([buf, "build", "--exclude-source-info", "-o", image], cwd=ROOT / "protos", check=True)  # noqa: S603


if __name__ == "__main__":
    {"encoder": write_encoder, "formats": write_formats, "contract": write_contract}[sys.argv[1]]()
