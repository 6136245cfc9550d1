"""What Hypothesis says when a property fails."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


@settings(max_examples=1, database=None, derandomize=True)
@given(number=st.integers())
def always_fails(given_by_a_fixture: str, number: int) -> None:
    raise ValueError("the failure")


def test_a_failing_property_is_reported_as_itself_however_large_its_fixtures_are_printed() -> None:
    with pytest.raises(ValueError, match="the failure"):
        always_fails("a" * 40_000)
