"""The words that distinguish a text from others: names, series and hashtags, which a BERT embedding blurs.

A word here is a single word or a pair of adjacent words, in lower case.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

WORDS_PER_TEXT = 16
_FEWEST_TEXTS = 2  # a word in one text only says nothing about others
_LARGEST_SHARE = 0.1  # a word in more than 10 % of the texts does not distinguish them
_PAIR_COMMONNESS = 3  # of equally rare words, a single word says more than a pair
_WORD = re.compile(r"\w+")


class Vocabulary:
    """The words known to training, rarest first: word ``i`` has row ``i + 1``; row 0 stands for no word."""

    def __init__(self, words: Iterable[str]) -> None:
        self.words = tuple(words)
        self._rows = {word: row for row, word in enumerate(self.words, start=1)}

    def __len__(self) -> int:
        return len(self.words)

    @classmethod
    def learn(cls, texts: Sequence[str]) -> "Vocabulary":
        """The words that occur in at least two of the texts and in at most a tenth of them."""
        counts = Counter(word for text in texts for word in _words_of(text))
        most = max(_FEWEST_TEXTS, _LARGEST_SHARE * len(texts))
        commonness = {
            word: count * (_PAIR_COMMONNESS if " " in word else 1)
            for word, count in counts.items()
            if _FEWEST_TEXTS <= count <= most
        }
        return cls(sorted(commonness, key=lambda word: (commonness[word], word)))

    def rows_of(self, texts: Sequence[str]) -> NDArray[np.int32]:
        """The rarest known words of each text: int32 [texts, 16], 0 where a text has fewer."""
        rows = np.zeros((len(texts), WORDS_PER_TEXT), dtype=np.int32)
        for row, text in enumerate(texts):
            known = sorted(self._rows[word] for word in _words_of(text) if word in self._rows)[:WORDS_PER_TEXT]
            rows[row, : len(known)] = known
        return rows


def _words_of(text: str) -> set[str]:
    singles = _WORD.findall(text.lower())
    return {*singles, *(f"{first} {second}" for first, second in pairwise(singles))}
