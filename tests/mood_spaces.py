"""A mood space without a BERT: fitted on random embeddings, as small as a test needs it."""

import numpy as np

from mood_encoder.mood_space import MoodSpace, fit_mood_space, training_texts


def made_up_mood_space(dimension: int) -> MoodSpace:
    """The mood space of an encoder whose embeddings mean nothing."""
    texts, targets = training_texts()
    embeddings = np.random.default_rng(0).normal(size=(len(texts), dimension)).astype(np.float32)
    return fit_mood_space(embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True), targets)
