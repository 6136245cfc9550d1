"""The stage of a feed that an index leaves out while its engine does not answer."""

from gateway.feed_types import Degradation, DependencyUnavailableError, FoundPosts

SEARCH = "search"


def with_missing_engine(
    degradations: tuple[Degradation, ...], found: FoundPosts, *, is_strict: bool
) -> tuple[Degradation, ...]:
    """With the engine that the index lacked; DependencyUnavailableError if the caller takes no less than all."""
    if not found.unavailable_engine:
        return degradations
    if is_strict:
        raise DependencyUnavailableError(
            "the search engine of the post index does not answer", reason=found.unavailable_engine
        )
    return (*degradations, Degradation(SEARCH, found.unavailable_engine))
