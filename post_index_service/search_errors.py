"""What a search refuses."""


class SearchError(Exception):
    """The base of the errors of a search.

    SearchError
    ├── CategoryNotFoundError
    ├── EmbeddingSpaceMismatchError
    ├── InvalidEmbeddingError
    ├── EngineUnavailableError
    ├── InvalidSearchError
    ├── PageTooDeepError
    ├── PostNotFoundError
    └── WrongShardError
    """

    def __init__(self, message: str, **metadata: str) -> None:
        super().__init__(message)
        self.metadata = metadata


class CategoryNotFoundError(SearchError):
    """There is no servable post in this category."""


class EmbeddingSpaceMismatchError(SearchError):
    """The embedding is of another space: another bundle, kind or dimension."""


class InvalidEmbeddingError(SearchError):
    """The embedding is not a unit vector of its space's dimension."""


class InvalidSearchError(SearchError):
    """The limit, the offset or a number of post ids is out of range."""


class PostNotFoundError(SearchError):
    """No search finds the post that others are to be like."""


class PageTooDeepError(SearchError):
    """The engine does not give so many posts of a ranking: a later page than this one cannot be made."""


class EngineUnavailableError(SearchError):
    """The engine does not answer, and this page continues one that it has answered."""


class WrongShardError(SearchError):
    """The request is for another shard of the index than this process is."""
