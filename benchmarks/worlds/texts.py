"""How alike the texts of posts are: cosine of TF-IDF over title and summary, without a language model."""

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer


def likeness_of(texts: tuple[str, ...]) -> NDArray[np.float32]:
    """The cosine of each two posts: float32 [posts, posts]."""
    vectors = TfidfVectorizer(sublinear_tf=True, dtype=np.float32).fit_transform(texts)
    return np.asarray((vectors @ vectors.T).toarray(), dtype=np.float32)
