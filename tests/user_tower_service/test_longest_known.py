"""The people that a page offers: those of the bundle with the longest histories, but none who has been deleted."""

from pathlib import Path

import numpy as np
import pytest

from bundle.known_users import KnownUsers
from tests.user_tower_service.live_world import live_world
from user_tower_service.encoder import Encoder


def test_those_with_the_longest_histories_come_first_and_who_is_deleted_is_not_named(tmp_path: Path) -> None:
    with live_world(tmp_path) as world:
        users = KnownUsers.read(world.bundle)
        seen = [
            len(set(users.post_ids[start:end])) for start, end in zip(users.offsets, users.offsets[1:], strict=False)
        ]
        expected = [users.usernames[row] for row in np.argsort([-count for count in seen], kind="stable")]
        assert list(world.encoder.longest_known()) == expected
        assert list(Encoder(world.bundle).longest_known()) == expected  # without a store
        world.people.delete_person(expected[0])
        assert list(world.encoder.longest_known()) == expected[1:]


def test_no_more_are_named_than_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("user_tower_service.encoder.MOST_CONTEXTS", 1)
    with live_world(tmp_path) as world:
        assert len(world.encoder.longest_known()) == 1
