"""The text space of a bundle: where a post's text and a typed mood meet, so that opposites are far apart.

An embedding of BERT places a word beside its opposite. The text space therefore has two parts, in as many dimensions as
the BERT: the embedding, without the few directions in which moods vary least, and in those directions the mood by its
families, their valence and their arousal. A vector's two parts have fixed shares, and its norm is 1.

The families come from the tables of words (mood_lexicon). Of texts in which they know no word, a learned head estimates
the families from the embedding: ridge regression, fitted on the words of the tables when a bundle's posts are embedded.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mood_encoder.folded_text import folded
from mood_encoder.mood_families import FAMILIES, KIN
from mood_encoder.mood_lexicon import Mood, find, words_of
from mood_encoder.mood_understanding import Understood, understand
from mood_encoder.mood_words.english import NOT_MOODS

_VALENCE, _AROUSAL, _OPPOSITE = 0.6, 0.5, 0.45
_AVOIDED = 0.9
_MOOD_SHARE = 0.75  # of a vector's squared norm
_RIDGE = 0.05  # of the variance of the embeddings
_NO_MOOD = 0.99
_SURE = 0.4
"""The least estimate of the head for a family that counts: nine of ten such words of the tables are of that family."""
_KNOWN_SHARE = 0.5  # of the words of a text that the encoder has to know, lest the head guesses
_DIRECTIONS_SHARE = 2  # a BERT of d dimensions gives at most d / 2 to moods
NAMES = tuple(FAMILIES)

Matrix32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class MeantMood:
    """A typed mood in the text space: ``vector`` float32 [dimension], None if it says nothing about a mood.

    ``wanted`` are the families that it was understood as, by the tables or else by the head.
    """

    vector: Matrix32 | None
    wanted: Mapping[str, float]
    understood: Understood


@dataclass(frozen=True)
class MoodSpace:
    """Places texts. ``families`` float32 [families, dimension] lie in the span of ``basis``.

    ``basis`` float32 [directions, dimension] is orthonormal; its last row stands for "no mood". ``head`` float32
    [dimension + 1, families + 1] estimates the families of an embedding, and last that it is of no mood.
    """

    basis: Matrix32
    families: Matrix32
    head: Matrix32

    @cached_property
    def dimension(self) -> int:
        """The length of a vector: that of the encoder's embeddings."""
        return int(self.basis.shape[1])

    def place_mood(self, understood: Understood, embedding: Matrix32 | None, *, is_guessable: bool) -> MeantMood:
        """A typed mood in the text space.

        ``embedding`` float32 [dimension] is that of ``understood.words``; None if they are empty. ``is_guessable`` says
        whether the encoder knows the words, so that the head may estimate a mood that the tables do not know.
        """
        wanted = dict(understood.wanted)
        if not understood.is_understood:
            wanted = self._estimate(embedding) if is_guessable and embedding is not None else {}
            if not wanted:
                return MeantMood(None, {}, understood)
        direction = self._direction(wanted, understood.avoided)
        return MeantMood(self._joined(embedding, direction), wanted, understood)

    def place_post(self, weights: Mapping[str, float], embedding: Matrix32) -> Matrix32:
        """A post's text in the text space, with the families of its words, or else those that the head is sure of."""
        return self._joined(embedding, self._direction(weights or self._estimate(embedding), {}))

    def families_of(self, vector: Matrix32) -> dict[str, float]:
        """How near the mood of a vector lies to each family, as a cosine, nearest first; none without a mood."""
        part = (vector @ self.basis.T) @ self.basis
        norm = float(np.linalg.norm(part))
        if norm == 0 or float(part @ self.basis[-1]) > _NO_MOOD * norm:
            return {}
        nearness = dict(zip(NAMES, (part @ self.families.T / norm).tolist(), strict=True))
        return dict(sorted(nearness.items(), key=lambda each: -each[1]))

    def mood_share(self, one: Matrix32, other: Matrix32) -> float:
        """The part of the closeness of two vectors that their moods have; the rest is that of their words."""
        return float((one @ self.basis.T) @ (other @ self.basis.T))

    def _direction(self, wanted: Mapping[str, float], avoided: Mapping[str, float]) -> Matrix32:
        """The unit vector of a mood in the span of the basis; that of "no mood" if the families say nothing."""
        weights = np.zeros(len(NAMES), dtype=np.float32)
        for names, sign in ((wanted, 1.0), (avoided, -_AVOIDED)):
            total = sum(names.values())
            for name, weight in names.items():
                weights[NAMES.index(name)] += sign * weight / total
        vector = weights @ self.families
        norm = np.linalg.norm(vector)
        return np.asarray(vector / norm if norm > 0 else self.basis[-1], dtype=np.float32)

    def _joined(self, embedding: Matrix32 | None, direction: Matrix32) -> Matrix32:
        if embedding is None:
            return direction
        rest = embedding - (embedding @ self.basis.T) @ self.basis
        norm = np.linalg.norm(rest)
        if not norm > 0:
            return direction
        vector = np.sqrt(1 - _MOOD_SHARE) * rest / norm + np.sqrt(_MOOD_SHARE) * direction
        return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)

    def _estimate(self, embedding: Matrix32) -> dict[str, float]:
        """The families of an embedding that the head is sure of; none if it is surer that it is of no mood."""
        scores = embedding @ self.head[:-1] + self.head[-1]
        if scores[-1] >= scores[:-1].max():
            return {}
        return {name: float(score) for name, score in zip(NAMES, scores[:-1], strict=True) if score >= _SURE}


def weights_of_text(text: str, *, is_word: Callable[[str], bool]) -> dict[str, float]:
    """The families of all words of moods in a post's text, the more often named the heavier.

    ``is_word`` is that of mood_lexicon.find: the encoder's ``knows``.
    """
    weights: dict[str, float] = {}
    for item in find(text, is_word=is_word):
        if isinstance(item, Mood):
            for family in item.families:
                weights[family] = weights.get(family, 0.0) + 1.0 / len(item.families)
    return weights


def training_texts() -> tuple[list[str], Matrix32]:
    """What the head is fitted on: English texts, and float32 [texts, families + 1] what each is of, last of no mood."""
    texts: dict[str, Matrix32] = {}
    for key, table in words_of("english").items():
        target = np.zeros(len(NAMES) + 1, dtype=np.float32)
        names = key.removesuffix("!").split("+")
        for name in names:
            target[NAMES.index(name)] = 1 / len(names)
        for phrase in table.split(","):
            text = phrase.strip()
            if text and not text.endswith("*"):
                texts[text] = target
            elif text and len(text) > 4:
                texts[text.rstrip("*")] = target
    nothing = np.zeros(len(NAMES) + 1, dtype=np.float32)
    nothing[-1] = 1
    texts |= {text.strip(): nothing for text in NOT_MOODS.split(",") if not understand(text).is_understood}
    return list(texts), np.stack(list(texts.values()))


def fit_mood_space(embeddings: Matrix32, targets: Matrix32) -> MoodSpace:
    """The space of an encoder: ``embeddings`` float32 [texts, dimension] of ``training_texts`` and their targets."""
    dimension = embeddings.shape[1]
    wide = _prototypes()
    rows, strengths, _ = np.linalg.svd(wide, full_matrices=False)
    kept = min(len(strengths), max(dimension // _DIRECTIONS_SHARE - 1, 1))
    prototypes = rows[:, :kept] * strengths[:kept]  # [families, kept]: as many directions as the encoder can spare
    covariance = embeddings.astype(np.float64).T @ embeddings.astype(np.float64)
    _, directions = np.linalg.eigh(covariance)  # ascending: the first carry least
    basis = _with_sign(directions[:, : kept + 1].T)
    families = prototypes @ basis[:kept]
    families /= np.linalg.norm(families, axis=1, keepdims=True)
    mean = embeddings.mean(axis=0, dtype=np.float64)
    design = np.hstack([embeddings - mean, np.ones((len(embeddings), 1))])
    counts = targets.sum(axis=0)
    weights = (targets @ (1 / np.maximum(counts, 1)))[:, None] * len(targets) / targets.shape[1]  # families count alike
    gram = design.T @ (weights * design)
    penalty = np.full(dimension + 1, _RIDGE * np.trace(gram[:-1, :-1]) / dimension)
    penalty[-1] = 0
    head = np.linalg.solve(gram + np.diag(penalty), design.T @ (weights * targets))
    head[-1] -= mean @ head[:-1]
    return MoodSpace(basis.astype(np.float32), families.astype(np.float32), head.astype(np.float32))


def _prototypes() -> NDArray[np.float64]:
    """The families before they are placed: float64 [families, families + 2]; opposites point away from each other."""
    wide = np.eye(len(NAMES), len(NAMES) + 2)
    for row, name in enumerate(NAMES):
        family = FAMILIES[name]
        for opposite in family.opposites:
            wide[row, NAMES.index(opposite)] -= _OPPOSITE
        for one, other, nearness in KIN:
            if name in {one, other}:
                wide[row, NAMES.index(other if name == one else one)] += nearness
        wide[row, -2:] = _VALENCE * family.valence, _AROUSAL * family.arousal
    return np.asarray(wide / np.linalg.norm(wide, axis=1, keepdims=True))


def _with_sign(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows whose greatest number is positive: the sign of a direction is a matter of the library."""
    greatest = np.abs(rows).argmax(axis=1)
    return np.asarray(rows * np.sign(rows[np.arange(len(rows)), greatest])[:, None])


def is_guessable(plain: str, is_word: Callable[[str], bool]) -> bool:
    """Whether an encoder knows enough of a text's words to estimate its mood."""
    words = [word for word in folded(plain).split() if any(sign.isalpha() for sign in word)]
    return bool(words) and sum(map(is_word, words)) >= _KNOWN_SHARE * len(words)
