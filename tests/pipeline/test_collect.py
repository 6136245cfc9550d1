"""What was recorded in the store is collected into the clean tables, once, and a bundle made of them says so."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bundle.directory import Bundle, open_bundle, write_bundle
from mood_encoder.runtime import Runtime
from pipeline.bundle_contents import known_users
from pipeline.clean import clean
from pipeline.collect import CollectError, collect
from pipeline.dataset import Dataset, read_dataset
from pipeline.embed import embed_posts
from pipeline.forgotten import Forgotten
from pipeline.raw_store import RawStore
from pipeline.score import score
from pipeline.store_people import made_id
from pipeline.tables import (
    CLOCK,
    INTERACTIONS_FILE,
    NO_CLOCK,
    log_position,
    read_interactions,
    read_posts,
    read_users,
)
from pipeline.workspace import Workspace
from store.interactions import NewInteraction, Verb
from store.posts import FIRST_GIVEN_ID, NewPost
from store.posts import Post as StorePost
from store.sql_store import SqlStore, open_store
from tests.pipeline.small_catalogues import CREATED_AT, Catalogue, Event, Post
from tests.tiny_bundle import MANIFEST, TINY_ENCODER, tiny_files
from two_tower.interaction_strengths import SKIP_STRENGTH, STRENGTHS
from user_tower_service.encoder import Encoder
from user_tower_service.live_log import LiveLog

NOW_MS = CREATED_AT + 100 * 60_000
POSTS = [Post(), Post(), Post(category_id=3), Post()]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "data")
    workspace.directory.mkdir()
    with RawStore(workspace.raw) as raw:
        Catalogue(POSTS, users=3, events=[Event(1, 1, "like", 5), Event(1, 2, "view", 6), Event(2, 1, "view", 7)]).keep(
            raw
        )
    clean(workspace.raw, workspace.clean)
    return workspace


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    with open_store(f"sqlite:///{tmp_path}/store.sqlite") as store:
        yield store


def did(store: SqlStore, username: str, verb: Verb | None, post_id: int, *, number: int = 0, **fields: object) -> str:
    event_id = f"{username} {verb} {post_id} {number}"
    row = {"event_id": event_id, "username": username, "verb": verb, "post_id": post_id, "occurred_at_ms": NOW_MS}
    store.record([NewInteraction(**row | fields)])
    return event_id


def histories(workspace: Workspace) -> dict[str, list[tuple[int, str]]]:
    """The posts and verbs of each person, as the tables hold them."""
    users = read_users(workspace.clean).set_index("user_id")["username"]
    found: dict[str, list[tuple[int, str]]] = {name: [] for name in users}
    for row in read_interactions(workspace.clean).itertuples():
        found[users[row.user_id]].append((row.post_id, row.verb))
    return found


def names(workspace: Workspace) -> list[str]:
    return read_users(workspace.clean).sort_values("user_id")["username"].tolist()


def test_what_was_recorded_stands_beside_what_was_fetched(workspace: Workspace, store: SqlStore) -> None:
    known, *_ = (name for name in names(workspace))
    before = histories(workspace)
    did(store, known, Verb.INSPIRE, 3)
    did(store, "somebody new", Verb.VIEW, 1)
    did(store, "somebody new", Verb.RATING, 2, rating_percent=90)
    report = collect(workspace, store)
    assert (report.kept, report.people_added, report.position) == (3, 1, store.position())
    assert log_position(workspace.clean) == store.position()
    assert histories(workspace) == before | {
        known: [*before[known], (3, "inspire")],
        "somebody new": [(1, "view"), (2, "rating")],
    }
    (new,) = read_users(workspace.clean).query("username == 'somebody new'").itertuples()
    assert new.user_id == made_id("somebody new") < 0
    assert new.answers


def test_collecting_again_takes_each_interaction_once(workspace: Workspace, store: SqlStore) -> None:
    did(store, "somebody new", Verb.LIKE, 1)
    collect(workspace, store)
    first = histories(workspace)
    collect(workspace, store)
    assert histories(workspace) == first
    did(store, "somebody new", Verb.LIKE, 1)  # the same event id
    did(store, "somebody new", Verb.LIKE, 2)
    collect(workspace, store)
    assert histories(workspace)["somebody new"] == [(1, "like"), (2, "like")]


def test_what_was_taken_back_or_does_not_interest_is_in_no_history(workspace: Workspace, store: SqlStore) -> None:
    regretted = did(store, "ana", Verb.LIKE, 1)
    store.record([NewInteraction(event_id="not", username="ana", occurred_at_ms=NOW_MS, retracts=regretted)])
    did(store, "bo", Verb.NOT_INTERESTED, 1)
    collect(workspace, store)
    assert "ana" not in histories(workspace)
    assert histories(workspace)["bo"] == []  # known, as in the live feed


def test_a_skip_counts_as_the_weak_view_that_it_is_live(workspace: Workspace, store: SqlStore) -> None:
    did(store, "ana", Verb.SKIP, 1)
    did(store, "ana", Verb.VIEW, 2)
    collect(workspace, store)
    score(workspace.clean, workspace.scores)
    scores = pd.read_parquet(workspace.scores).query(f"user_id == {made_id('ana')}").set_index("post_id")
    assert scores.loc[1, "verb"] == "view"
    np.testing.assert_allclose(scores["strength"], [SKIP_STRENGTH, STRENGTHS["view"]], rtol=1e-6)
    users = known_users(embedded(workspace))
    span = slice(*users.offsets[[users.usernames.index("ana"), users.usernames.index("ana") + 1]])
    np.testing.assert_allclose(users.strengths[span], [SKIP_STRENGTH, STRENGTHS["view"]], rtol=1e-6)


def embedded(workspace: Workspace) -> Dataset:
    embed_posts(
        workspace.clean,
        workspace.text_cache,
        workspace.text_embeddings,
        encoder_directory=TINY_ENCODER,
        runtime=Runtime.OPENVINO,
    )
    return read_dataset(workspace.clean, workspace.text_embeddings)


def test_a_post_that_nobody_knows_waits_and_a_post_may_be_named_as_at_its_source(
    workspace: Workspace, store: SqlStore
) -> None:
    posts = read_posts(workspace.clean)
    posts.loc[posts["post_id"] == 2, "external_id"] = "tt0133093"
    posts.to_parquet(workspace.clean / "posts.parquet")
    did(store, "ana", Verb.LIKE, 999)
    store.record(
        [NewInteraction(event_id="e", username="ana", verb=Verb.LIKE, external_id="tt0133093", occurred_at_ms=NOW_MS)]
    )
    report = collect(workspace, store)
    assert histories(workspace)["ana"] == [(2, "like")]
    assert report.left_out == {"unknown post: waits in the store": 1}


def test_who_was_deleted_is_not_in_the_tables_whatever_the_upstream_still_says(
    workspace: Workspace, store: SqlStore
) -> None:
    first, *others = names(workspace)
    before = histories(workspace)
    did(store, first, Verb.LIKE, 3)
    store.delete_person(first)
    collect(workspace, store)
    assert histories(workspace) == {name: before[name] for name in others}
    did(store, first, Verb.VIEW, 4)  # the name signs up again
    collect(workspace, store)
    assert histories(workspace)[first] == [(4, "view")]


def test_who_was_merged_gives_both_histories_to_one_person(workspace: Workspace, store: SqlStore) -> None:
    first, second, _ = names(workspace)
    before = histories(workspace)
    did(store, first, Verb.LIKE, 3)
    store.merge_people(first, into=second)
    collect(workspace, store)
    assert first not in names(workspace)
    assert sorted(histories(workspace)[second]) == sorted([*before[first], *before[second], (3, "like")])


def test_who_was_forgotten_does_not_come_back(workspace: Workspace, store: SqlStore) -> None:
    did(store, "ana", Verb.LIKE, 3)
    Forgotten.read(workspace.forgotten).with_added(usernames=["ana"]).write(workspace.forgotten)
    report = collect(workspace, store)
    assert "ana" not in names(workspace)
    assert report.left_out == {"people who were forgotten: left out": 1}


def test_a_moment_before_the_oldest_post_stretches_no_window(workspace: Workspace, store: SqlStore) -> None:
    did(store, "ana", Verb.LIKE, 3, occurred_at_ms=946_684_800_000)
    collect(workspace, store)
    oldest = read_posts(workspace.clean)["created_at"].min()
    assert read_interactions(workspace.clean)["at"].min() >= oldest - pd.Timedelta(days=1)


def test_the_tables_of_a_clean_run_say_nothing_of_a_collection(workspace: Workspace, store: SqlStore) -> None:
    did(store, "ana", Verb.LIKE, 3)
    collect(workspace, store)
    clean(workspace.raw, workspace.clean)
    assert log_position(workspace.clean) == 0
    assert "ana" not in histories(workspace)


def test_without_tables_there_is_nothing_to_collect_into(tmp_path: Path, store: SqlStore) -> None:
    with pytest.raises(CollectError, match="run `moodfeed clean` or `moodfeed import` first"):
        collect(Workspace(tmp_path / "nothing"), store)


def test_a_person_has_the_same_embedding_live_and_collected_under_the_same_towers(tmp_path: Path) -> None:
    """The case that docs/live.md promises: at the newest moment, posts not met before, no ratings."""
    workspace = Workspace(tmp_path / "data")
    workspace.directory.mkdir()
    with RawStore(workspace.raw) as raw:  # posts 10 to 60 are those of the tiny bundle
        met = [Event(0, 9, "like", 5), Event(0, 19, "view", 6), Event(1, 9, "view", 90)]
        Catalogue([Post()] * 60, users=2, events=met).keep(raw)
    clean(workspace.raw, workspace.clean)
    with open_store(f"sqlite:///{tmp_path}/store.sqlite") as store:
        before = bundle_of(embedded(workspace), tmp_path / "before")
        known = names(workspace)[0]
        newest = int(read_interactions(workspace.clean)["at"].max().value // 10**6)
        for username, verb, post_id in (
            (known, Verb.INSPIRE, 30),
            (known, Verb.SKIP, 40),
            ("somebody new", Verb.LIKE, 50),
            ("somebody new", Verb.VIEW, 60),
        ):
            did(store, username, verb, post_id, occurred_at_ms=newest)
        collect(workspace, store)
        after = bundle_of(embedded(workspace), tmp_path / "after")
        assert after.manifest.log_position == store.position()
        live = LiveLog(lambda: open_store(f"sqlite:///{tmp_path}/store.sqlite"))
        with live.followed():
            of_before, of_after = Encoder(before, live=live), Encoder(after, live=live)
            for username in (known, "somebody new"):
                frozen = of_after.encode_context(username, "", is_live=False)
                for context in (of_before.encode_context(username, ""), of_after.encode_context(username, "")):
                    np.testing.assert_allclose(context.user.values, frozen.user.values, atol=1e-6)
                    assert context.seen_post_ids == frozen.seen_post_ids


def bundle_of(dataset: Dataset, root: Path) -> Bundle:
    """The tiny bundle with the histories of a dataset, and the position up to which they were collected."""

    def write_files(directory: Path) -> None:
        tiny_files()(directory)
        known_users(dataset).write(directory)

    manifest = replace(MANIFEST, log_position=dataset.log_position)
    return open_bundle(write_bundle(root, manifest, write_files=write_files, sidecar={}))


def store_post(post_id: int, **fields: object) -> NewPost:
    values = {"post_id": post_id, "category_id": 9, "video_link": "v", "created_at_ms": NOW_MS, **fields}
    return NewPost(post=StorePost(**values))


def test_posts_of_the_store_replace_those_of_the_upstream_and_deleted_ones_leave(
    workspace: Workspace, store: SqlStore
) -> None:
    before = read_posts(workspace.clean).set_index("post_id")
    before_histories = histories(workspace)
    store.upsert_posts(
        [
            store_post(1, title="changed", emotions=("very_calm", "glad"), description="*Mist*", category_name="new"),
            store_post(0, external_id="source", owner_username="ana"),
            store_post(555),
        ]
    )
    store.delete_posts([2, 555])
    assert {post for history in before_histories.values() for post, _ in history} == {2, 3}
    liked = {"event_id": "liked", "username": "ana", "verb": Verb.LIKE, "occurred_at_ms": NOW_MS}
    store.record([NewInteraction(**liked, external_id="source")])
    report = collect(workspace, store)
    assert (report.posts, report.posts_deleted, report.kept) == (2, 1, 1)
    after = read_posts(workspace.clean).set_index("post_id")
    assert sorted(after.index) == [1, 3, 4, FIRST_GIVEN_ID + 2]
    changed, given = after.loc[1], after.loc[FIRST_GIVEN_ID + 2]
    assert (changed["title"], changed["mood_text"]) == ("changed", "very calm, glad")
    assert changed["summary_text"] == "changed. very calm, glad. Mist"
    assert changed["view_count"] == before.loc[1, "view_count"]
    assert (given["external_id"], given["owner_username"], given["category_name"]) == ("source", "ana", "new")
    assert given["created_at"] == pd.Timestamp(NOW_MS, unit="ms", tz="UTC")
    pd.testing.assert_frame_equal(after.loc[[3, 4]], before.loc[[3, 4]])
    assert {post for history in histories(workspace).values() for post, _ in history} == {3, FIRST_GIVEN_ID + 2}
    assert histories(workspace)["ana"] == [(FIRST_GIVEN_ID + 2, "like")]
    assert collect(workspace, store).posts_deleted == 0
    pd.testing.assert_frame_equal(read_posts(workspace.clean).set_index("post_id"), after)


def test_the_name_of_a_deleted_person_is_in_no_collected_post_and_that_of_a_new_one_is(
    workspace: Workspace, store: SqlStore
) -> None:
    store.upsert_posts([store_post(70, owner_username="ana")])
    store.delete_person("ana")
    store.upsert_posts([store_post(71, owner_username="ana")])
    collect(workspace, store)
    owners = read_posts(workspace.clean).set_index("post_id")["owner_username"]
    assert (owners[70], owners[71]) == ("", "ana")


def test_a_forgotten_post_is_not_collected(workspace: Workspace, store: SqlStore) -> None:
    store.upsert_posts([store_post(70), store_post(71, external_id="x", created_at_ms=253_402_300_799_000)])
    Forgotten.read(workspace.forgotten).with_added(posts=[70]).write(workspace.forgotten)
    collect(workspace, store)
    assert not {70} & set(read_posts(workspace.clean)["post_id"])
    assert 71 in set(read_posts(workspace.clean)["post_id"])


@pytest.mark.parametrize("is_timed", [True, False])
def test_what_is_collected_in_pieces_is_what_is_collected_at_once(
    workspace: Workspace, store: SqlStore, monkeypatch: pytest.MonkeyPatch, is_timed: bool
) -> None:
    if not is_timed:
        path = workspace.clean / INTERACTIONS_FILE
        table = pq.read_table(path)
        positions = pa.array(np.arange(len(table)), pa.int32())
        table = table.set_column(table.schema.get_field_index("position"), "position", positions)
        at = table.schema.field("at")
        table = table.set_column(table.schema.get_field_index("at"), at, pa.nulls(len(table), at.type))
        pq.write_table(table.replace_schema_metadata({CLOCK: NO_CLOCK}), path)
    for number in range(9):
        did(store, "ana", Verb.LIKE, 1 + number % 4, number=number, occurred_at_ms=NOW_MS - 1000 * (number % 5))
    collect(workspace, store)
    at_once = pq.read_table(workspace.clean / INTERACTIONS_FILE)
    monkeypatch.setattr("pipeline.collect._ROWS_AT_ONCE", 2)
    events_up_to = store.events_up_to
    monkeypatch.setattr(store, "events_up_to", lambda position: events_up_to(position, batch=3))
    collect(workspace, store)
    in_pieces = pq.read_table(workspace.clean / INTERACTIONS_FILE)
    assert len(in_pieces) == 3 + 9
    assert in_pieces.equals(at_once)
