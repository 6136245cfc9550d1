"""The degradation of a feed while the index's search engine does not answer."""

from gateway.feed_types import Degradation, DependencyUnavailableError, FoundPosts

SEARCH = "search"


def with_missing_engine(
    degradations: tuple[Degradation, ...], found: FoundPosts, *, is_strict: bool
) -> tuple[Degradation, ...]:
    """Adds the degradation of an unavailable engine; DependencyUnavailableError if the request is strict."""
    if not found.unavailable_engine:
        return degradations
    if is_strict:
        raise DependencyUnavailableError(
            "the search engine of the post index does not answer", reason=found.unavailable_engine
        )
    return (*degradations, Degradation(SEARCH, found.unavailable_engine))
