"""What people do since the bundle was made: the embedding is that of the bundle with the same rows appended."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bundle.directory import Bundle, open_bundle, write_bundle
from bundle.known_users import KnownUsers
from bundle.verbs import VERBS
from store.interactions import NewInteraction, Verb
from tests.tiny_bundle import MANIFEST, tiny_files
from tests.user_tower_service.live_world import MOMENT, LiveWorld, live_world
from two_tower.interaction_strengths import SKIP_STRENGTH, PersonEvent, RatingScale, score_person
from user_tower_service.encoder import Encoder

KNOWN, UNKNOWN = [10, 20, 30, 40, 50, 60], [70, 5]
OF_HISTORIES = {Verb.VIEW: "view", Verb.LIKE: "like", Verb.INSPIRE: "inspire", Verb.RATING: "rating", Verb.SKIP: "view"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveWorld]:
    with live_world(tmp_path_factory.mktemp("world")) as world:
        yield world


def bundle_with(directory: Path, done: Mapping[str, Sequence[NewInteraction]]) -> Bundle:
    """The tiny bundle, its users' histories followed by these rows of theirs; those whom it does not know are added."""
    tiny = open_bundle(write_bundle(directory, MANIFEST, write_files=tiny_files(), sidecar={}))

    def write_files(place: Path) -> None:
        tiny_files()(place)
        users = KnownUsers.read(tiny)
        for username, rows in done.items():
            users = with_rows(users, username, rows)
        users.write(place)

    return open_bundle(write_bundle(directory, MANIFEST, write_files=write_files, sidecar={}))


def with_rows(users: KnownUsers, username: str, rows: Sequence[NewInteraction]) -> KnownUsers:
    scored = score_person(
        [
            PersonEvent(
                row.post_id or 0,
                OF_HISTORIES[row.verb],
                row.occurred_at_ms,
                row.rating_percent,
                SKIP_STRENGTH if row.verb is Verb.SKIP else None,
            )
            for row in rows
            if row.verb in OF_HISTORIES and row.post_id in KNOWN
        ],
        RatingScale(),
    )
    if username not in users.usernames:
        users = replace(
            users,
            usernames=(*users.usernames, username),
            user_ids=np.append(users.user_ids, 99 + len(users.usernames)),
            offsets=np.append(users.offsets, users.offsets[-1]),
        )
    row, more = users.usernames.index(username), len(scored.post_ids)
    end = int(users.offsets[row + 1])
    return replace(
        users,
        offsets=np.where(np.arange(len(users.offsets)) > row, users.offsets + more, users.offsets),
        post_ids=np.insert(users.post_ids, end, scored.post_ids),
        verbs=np.insert(users.verbs, end, scored.verbs),
        strengths=np.insert(users.strengths, end, scored.strengths),
        days=np.insert(users.days, end, np.zeros(more, dtype=np.float32)),
    )


USERNAMES = ("ana", "béla", "😀", "a stranger", "another", "a third")
deeds = st.lists(
    st.tuples(
        st.sampled_from(list(Verb)), st.sampled_from(KNOWN + UNKNOWN), st.integers(0, 3), st.sampled_from([1, 60, 100])
    ),
    min_size=1,
    max_size=7,
)


@settings(deadline=None, max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(done=st.fixed_dictionaries(dict.fromkeys(USERNAMES, deeds)))
def test_embeddings_are_to_the_last_bit_those_of_a_bundle_with_the_rows_appended(
    tmp_path_factory: pytest.TempPathFactory, done: dict[str, list[tuple[Verb, int, int, int]]]
) -> None:
    rows = {
        username: [
            NewInteraction(
                event_id=f"{username} {number}",
                username=username,
                verb=verb,
                post_id=post_id,
                occurred_at_ms=MOMENT + moment,
                rating_percent=percent if verb is Verb.RATING else None,
            )
            for number, (verb, post_id, moment, percent) in enumerate(of_one)
        ]
        for username, of_one in done.items()
    }
    whole = Encoder(bundle_with(tmp_path_factory.mktemp("whole"), rows))
    with live_world(tmp_path_factory.mktemp("live")) as world:
        world.people.record([row for of_one in rows.values() for row in of_one])
        for username, of_one in rows.items():
            ours, theirs = world.context(username), whole.encode_context(username, "")
            assert ours.user
            assert theirs.user
            assert ours.user.values.tobytes() == theirs.user.values.tobytes(), (username, of_one)
            met = {row.post_id for row in of_one}
            assert list(ours.seen_post_ids) == sorted(set(theirs.seen_post_ids) | met)


def test_whoever_has_done_one_thing_is_known_and_whoever_has_not_is_not(world: LiveWorld) -> None:
    assert world.context("one like").user is None
    recorded = world.did("one like", Verb.LIKE, 20)
    context = world.context("one like")
    assert context.user
    assert context.seen_post_ids == (20,)
    assert (context.position, context.changed_position) == (recorded.position, recorded.position)


def test_what_one_person_does_changes_nobody_else(world: LiveWorld) -> None:
    before = world.context("béla")
    world.did("ana", Verb.INSPIRE, 50)
    after = world.context("béla")
    assert after.user
    assert before.user
    assert after.user.values.tobytes() == before.user.values.tobytes()
    assert after.changed_position == before.changed_position


def test_a_post_that_the_bundle_does_not_know_is_kept_and_changes_no_embedding(world: LiveWorld) -> None:
    before = world.context("😀")
    world.did("😀", Verb.LIKE, 12_345)
    after = world.context("😀")
    assert before.user
    assert after.user
    assert after.user.values.tobytes() == before.user.values.tobytes()
    assert 12_345 in after.seen_post_ids


def test_a_retraction_forgets_and_the_past_stays_as_it_was(world: LiveWorld) -> None:
    liked = world.did("regrets", Verb.LIKE, 20, event_id="liked")
    then = world.context("regrets")
    world.took_back("regrets", "liked")
    assert world.context("regrets").user is None
    as_of = world.context("regrets", as_of=liked.position)
    assert as_of.user
    assert then.user
    assert as_of.user.values.tobytes() == then.user.values.tobytes()
    assert as_of.position == liked.position
    assert world.context("regrets", as_of=liked.position - 1).user is None


def test_a_retraction_that_comes_first_is_remembered(world: LiveWorld) -> None:
    world.took_back("early", "comes later")
    world.did("early", Verb.LIKE, 20, event_id="comes later")
    assert world.context("early").user is None


def test_the_latest_decision_says_whether_a_post_interests(world: LiveWorld) -> None:
    off = world.did("decides", Verb.NOT_INTERESTED, 30, moment=MOMENT)
    assert world.context("decides").not_interested_post_ids == (30,)
    world.did("decides", Verb.VIEW, 30, moment=MOMENT + 1)
    assert world.context("decides").not_interested_post_ids == (30,)
    on = world.did("decides", Verb.LIKE, 30, moment=MOMENT + 2)
    assert world.context("decides").not_interested_post_ids == ()
    world.did("decides", Verb.NOT_INTERESTED, 40, moment=MOMENT + 3)
    assert world.context("decides", as_of=off.position).not_interested_post_ids == (30,)
    assert world.context("decides", as_of=off.position).withheld_post_ids == (40,)
    assert world.context("decides", as_of=on.position).not_interested_post_ids == ()
    assert world.context("decides", as_of=on.position).withheld_post_ids == (40,)


def test_a_deleted_person_is_unknown_at_once_also_to_pages_and_to_the_bundle(tmp_path: Path) -> None:
    with live_world(tmp_path) as world:
        liked = world.did("ana", Verb.LIKE, 50)
        world.people.delete_person("ana")
        for as_of in (None, liked.position, 0):
            assert world.context("ana", as_of=as_of).user is None
            assert world.context("ana", as_of=as_of).seen_post_ids == ()
        world.did("ana", Verb.LIKE, 20, event_id="signs up again")
        assert world.context("ana").seen_post_ids == (20,)


def test_merged_people_have_the_history_of_both(tmp_path: Path) -> None:
    with live_world(tmp_path / "merged") as world, live_world(tmp_path / "one") as one:
        world.did("visitor", Verb.LIKE, 50)
        world.did("ana", Verb.VIEW, 40)
        world.people.merge_people("visitor", into="ana")
        one.did("ana", Verb.LIKE, 50)
        one.did("ana", Verb.VIEW, 40)
        ours, theirs = world.context("ana"), one.context("ana")
        assert ours.user
        assert theirs.user
        assert ours.user.values.tobytes() == theirs.user.values.tobytes()
        assert ours.seen_post_ids == theirs.seen_post_ids
        assert world.context("visitor").user is None


def test_canaries_are_checked_without_what_people_did(world: LiveWorld) -> None:
    alone = Encoder(world.bundle).encode_context("ana", "")
    frozen = world.encoder.encode_context("ana", "", is_live=False)
    assert alone.user
    assert frozen.user
    assert frozen.user.values.tobytes() == alone.user.values.tobytes()


def test_the_verbs_of_a_history_have_the_numbers_of_the_store() -> None:
    assert [verb.name.lower() for verb in Verb][: len(VERBS)] == list(VERBS)


def test_people_who_are_asked_for_together_are_as_if_each_was_asked_for_alone(world: LiveWorld) -> None:
    names = [f"together {number}" for number in range(5)]
    for number, name in enumerate(names):
        for post_id in [*KNOWN[: number + 1], *UNKNOWN][: number + 2]:
            world.did(name, Verb.LIKE, post_id, moment=MOMENT + post_id)
    asked = [*names, "nobody"]
    together = world.encoder.encode_contexts([(name, "") for name in asked])
    fresh = Encoder(world.bundle, live=world.live, live_cache_size=0)
    for name, context in zip(asked, together, strict=True):
        alone = fresh.encode_context(name, "")
        assert context.seen_post_ids == alone.seen_post_ids
        assert context.changed_position == alone.changed_position
        values = [each.user and each.user.values.tobytes() for each in (context, alone)]
        assert values[0] == values[1]
        assert (context.user is None) == (name == "nobody")
