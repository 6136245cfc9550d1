"""Typed moods and posts to vectors of the text space, by one encoder and the space that was fitted with it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mood_encoder.mood_space import (
    MeantMood,
    MoodSpace,
    fit_mood_space,
    is_guessable,
    training_texts,
    weights_of_text,
)
from mood_encoder.mood_understanding import understand
from mood_encoder.runtime import TextEncoder


class MoodReader:
    """Places texts; safe to call from several threads if its encoder is."""

    def __init__(self, encoder: TextEncoder, space: MoodSpace) -> None:
        self.encoder = encoder
        self.space = space

    def read(self, moods: Sequence[str]) -> list[MeantMood]:
        """What typed moods mean, in their order; the encoder embeds all their words together."""
        understood = [understand(mood, is_word=self.encoder.knows) for mood in moods]
        words = list(dict.fromkeys(each.words for each in understood if each.words))
        embeddings = dict(zip(words, self.encoder.encode(words), strict=True)) if words else {}
        return [
            self.space.place_mood(
                each,
                embeddings.get(each.words),
                is_guessable=not each.is_understood and is_guessable(each.plain, self.encoder.knows),
            )
            for each in understood
        ]

    def place_post(self, mood_text: str, summary_text: str, embedding: NDArray[np.float32]) -> NDArray[np.float32]:
        """A post in the text space; ``embedding`` float32 [dimension] is that of its mood sentence."""
        return self.space.place_post(weights_of_text(mood_text or summary_text, is_word=self.encoder.knows), embedding)


def fitted_reader(encoder: TextEncoder) -> MoodReader:
    """A reader whose space is fitted now, for a program that has no bundle; it embeds 2,000 short texts."""
    texts, targets = training_texts()
    return MoodReader(encoder, fit_mood_space(encoder.encode(texts), targets))
