"""Write the 8-bit copy of the mood encoder, and check its accuracy before a bundle may hold it."""

from pathlib import Path

import numpy as np

from mood_encoder.encoder_files import TextEncoderError
from mood_encoder.openvino_encoder import LOWEST_COSINE, OpenVinoEncoder
from mood_encoder.quantised_bert import write_quantised
from mood_encoder.runtime import TextEncoder

PROOF_TEXTS = (
    "",
    "calm",
    "happy",
    "sad",
    "angry",
    "laughing",
    "romantic",
    "exhausted and lonely tonight",
    "nervous, excited",
    "something funny for a rainy evening",
    "I am stressed about my exams and want to relax",
    "show me something that makes me cry",
    "party with friends",
    "not quite awake yet, coffee first",
    "nostalgic for the summers of my childhood",
    "scary stories in the dark",
    "proud of what we made",
    "in love",
    "bored to death",
    "motivation for the gym!!!",
    "mañana será otro día",
    "qwzx 123 #tbt",
    "The mood of this video: joyful, hopeful, warm, evokes gratitude, a touch of longing",
    "The mood of this video: tense, eerie, isolation, evokes dread",
    "A tabby kitten purring on the windowsill beside a ball of yarn. cats, cozy, sleepy afternoon " * 3,
)
"""Moods and post sentences, short and long, in and out of the vocabulary; fixed, so that exports are comparable."""


def quantise_encoder(directory: Path, *, full: TextEncoder) -> float:
    """Write the 8-bit weights next to the full ones in ``directory``; returns the lowest cosine over the proof texts.

    TextEncoderError if a proof text's embedding is further from that of ``full`` than serving allows.
    """
    path = write_quantised(directory, directory)
    cosines = (OpenVinoEncoder(directory).encode(PROOF_TEXTS) * full.encode(PROOF_TEXTS)).sum(axis=1)
    worst = int(np.argmin(cosines))
    if not cosines[worst] >= LOWEST_COSINE:  # also true for NaN
        raise TextEncoderError(
            path,
            f"embeds {PROOF_TEXTS[worst]!r} with a cosine of {cosines[worst]:.4f} to the full weights, below the "
            f"required {LOWEST_COSINE}: this BERT loses too much accuracy in 8 bits",
        )
    return float(cosines[worst])
