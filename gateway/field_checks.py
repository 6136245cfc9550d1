"""What a field of a post or a rule may hold, whatever is told about it."""

LARGEST_POST_ID = 2**63 - 1
LARGEST_CATEGORY_ID = 2**31 - 1


class RejectedError(Exception):
    """What is told cannot be stored; the text begins with the name of the field."""


def check_post_id(post_id: int, field: str) -> None:
    """RejectedError unless it can be the id of a post."""
    if not 1 <= post_id <= LARGEST_POST_ID:
        raise RejectedError(f"{field}: must be from 1 to {LARGEST_POST_ID}, not {post_id}")


def check_category_id(category_id: int, field: str) -> None:
    """RejectedError unless it can be the id of a category."""
    if not 1 <= category_id <= LARGEST_CATEGORY_ID:
        raise RejectedError(f"{field}: must be from 1 to {LARGEST_CATEGORY_ID}, not {category_id}")


def check_not_empty(text: str, field: str) -> None:
    """RejectedError if there is nothing but white space."""
    if not text.strip():
        raise RejectedError(f"{field}: must not be empty or blank")


def check_text(text: str, field: str, longest: int) -> None:
    """RejectedError if the text is too long, or cannot be stored as UTF-8 text."""
    if len(text) > longest:
        raise RejectedError(f"{field}: has {len(text)} code points, the maximum is {longest}")
    if "\0" in text:
        raise RejectedError(f"{field}: must not hold the character U+0000")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise RejectedError(f"{field}: must not contain an unpaired surrogate") from error
