"""Posts, their embeddings and rules: each counts from its position on, until a later one replaces it."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from store.errors import InvalidPostError
from store.log_entries import PostDeleted, PostsEmbedded, PostUpserted, RuleDeleted, RuleSet
from store.port import LARGEST_LIMIT
from store.posts import FIRST_GIVEN_ID, NewPost, Post, PostRevision
from store.rules import Rule, RuleAction
from store.sql_store import SqlStore, open_store
from tests.store.rows import did, embedding, post, record

WHOLE = Post(
    post_id=7,
    category_id=3,
    video_link="https://v/7",
    created_at_ms=1_700_000_000_000,
    category_name="Ćevapi 🍖",
    title="A\x00title 😂",
    description="d" * 10_000,
    emotions=("joy", "", "страх"),
    thumbnail_url="https://t/7",
    owner_username="ana",
    language="sr",
    is_servable=False,
    external_id="source:7",
)


def content(new: NewPost, position: int) -> PostRevision:
    return PostRevision(post_id=new.post.post_id, position=position, post=new.post)


def test_a_post_is_kept_as_it_is_and_a_later_one_replaces_it_whole(store: SqlStore) -> None:
    assert store.upsert_posts([NewPost(post=WHOLE), post(8)]) == (2, (7, 8))
    assert store.posts_by_id([7, 9, 7]) == {7: PostRevision(post_id=7, position=1, post=WHOLE)}
    assert store.upsert_posts([post(7, "new")]) == (3, (7,))
    assert store.post_revisions() == (content(post(8), 2), content(post(7, "new"), 3))
    assert store.post_revisions(after=2) == (content(post(7, "new"), 3),)
    assert store.entries_after(0).entries == (
        PostUpserted(position=1, post_id=7, post=None),
        PostUpserted(position=2, post_id=8, post=post(8).post),
        PostUpserted(position=3, post_id=7, post=post(7, "new").post),
    )


def test_a_deleted_post_stays_known_as_deleted_until_it_is_upserted_again(store: SqlStore) -> None:
    store.upsert_posts([post(7, external_id="seven")])
    assert store.delete_posts([7, -5]) == 3
    gone = PostRevision(post_id=7, position=2, post=None), PostRevision(post_id=-5, position=3, post=None)
    assert store.post_revisions() == gone
    assert store.entries_after(1).entries == (
        PostDeleted(position=2, post_id=7),
        PostDeleted(position=3, post_id=-5),
    )
    assert store.upsert_posts([post(0, "back", external_id="seven")]) == (4, (7,))
    assert store.posts_by_id([7])[7].post == replace(post(7, "back").post, external_id="seven")


def test_external_ids_name_posts_also_after_their_deletion_until_they_are_called_otherwise(store: SqlStore) -> None:
    store.upsert_posts([post(7, external_id="a"), post(8, external_id="a"), post(9, external_id="b"), post(10)])
    assert store.posts_called(["a"]) == (7, 8)
    assert store.posts_called(["b", "a", "c", "b"]) == (7, 8, 9)
    store.delete_posts([7, 9])
    assert store.posts_called(["a", "b"]) == (7, 8, 9)
    store.upsert_posts([post(7, external_id="d")])
    assert store.posts_called(["a"]) == (8,)
    assert store.posts_called(["d"]) == (7,)
    assert store.posts_called([]) == ()


def test_a_post_with_an_external_id_alone_gets_an_id_and_keeps_it(store: SqlStore) -> None:
    record(store, did("1", "ana"))
    first = post(0, external_id="a")
    assert store.upsert_posts([first, post(0, external_id="b"), first]) == (
        4,
        (FIRST_GIVEN_ID + 2, FIRST_GIVEN_ID + 3, FIRST_GIVEN_ID + 2),
    )
    assert store.upsert_posts([post(0, external_id="b")])[1] == (FIRST_GIVEN_ID + 3,)
    store.upsert_posts([post(5, external_id="b")])  # the last post that has the id is the one
    assert store.upsert_posts([post(0, external_id="b")])[1] == (5,)
    store.upsert_posts([post(5)])
    assert store.upsert_posts([post(0, external_id="b")])[1] == (FIRST_GIVEN_ID + 3,)


def test_the_moment_of_an_earlier_revision_is_kept_where_none_was_given(store: SqlStore) -> None:
    store.upsert_posts([post(1, at=5, keeps=True)])
    store.upsert_posts([post(1, at=9, keeps=True), post(1, "later", at=10, keeps=True)])
    assert store.post_revisions() == (content(post(1, "later", at=5), 3),)
    store.upsert_posts([post(1, at=9)])
    assert store.post_revisions() == (content(post(1, at=9), 4),)
    store.delete_posts([1])
    store.upsert_posts([post(1, at=11, keeps=True)])
    assert store.post_revisions() == (content(post(1, at=11), 6),)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (post(0), "post_id: is missing"),
        (post(-1), "post_id: must be 1"),
        (post(2**63), "post_id: must be 1"),
        (post(1, "\ud800"), "surrogate"),
        (post(1, external_id="a\x00b"), "external_id"),
        (post(1, external_id="a" * 201), "external_id"),
    ],
)
def test_a_post_that_no_row_can_hold_is_refused_by_name_and_nothing_of_its_call_is_kept(
    store: SqlStore, bad: NewPost, words: str
) -> None:
    with pytest.raises(InvalidPostError, match=words):
        store.upsert_posts([post(3), bad])
    assert store.position() == 0


def test_embeddings_are_kept_once_and_only_of_the_newest_revision(store: SqlStore) -> None:
    store.upsert_posts([post(1), post(2), post(3)])
    store.delete_posts([3])
    offered = [embedding(1, 1), embedding(2, 1), embedding(3, 3), embedding(9, 9)]
    assert store.keep_embeddings("b", offered) == 5
    assert store.keep_embeddings("b", [embedding(1, 1, b"other")]) == 0
    assert store.keep_embeddings("b", []) == 0
    assert store.keep_embeddings("b", [embedding(3, 4)]) == 0
    assert store.keep_embeddings("c", [embedding(1, 1), embedding(2, 2)]) == 6
    assert store.embeddings("b") == (embedding(1, 1),)
    assert store.embeddings("c", after=1) == (embedding(2, 2),)
    assert store.entries_after(4).entries == (
        PostsEmbedded(position=5, bundle_id="b", embeddings=(embedding(1, 1),)),
        PostsEmbedded(position=6, bundle_id="c", embeddings=(embedding(1, 1), embedding(2, 2))),
    )
    store.upsert_posts([post(1, "new")])
    assert store.embeddings("b") == ()
    assert store.entries_after(4, limit=2).entries == (
        PostsEmbedded(position=5, bundle_id="b", embeddings=()),
        PostsEmbedded(position=6, bundle_id="c", embeddings=(embedding(2, 2),)),
    )
    assert store.keep_embeddings("b", [embedding(1, 1)]) == 0
    assert store.keep_embeddings("b", [embedding(1, 7)]) == 8


def test_embeddings_of_bundles_that_nobody_names_are_forgotten(store: SqlStore) -> None:
    store.upsert_posts([post(1), post(2)])
    for bundle in "bcd":
        store.keep_embeddings(bundle, [embedding(1, 1), embedding(2, 2)])
    assert store.forget_embeddings(but_of=["c", "unknown"]) == 4
    assert [len(store.embeddings(bundle)) for bundle in "bcd"] == [0, 2, 0]
    assert store.entries_after(2, limit=1).entries == (PostsEmbedded(position=3, bundle_id="b", embeddings=()),)
    assert store.forget_embeddings(but_of=[]) == 2


def test_a_rule_counts_until_it_is_replaced_or_deleted(store: SqlStore) -> None:
    boost = Rule(
        name="žuto",
        action=RuleAction.BOOST,
        post_ids=(1, 2),
        category_ids=(3,),
        owner_usernames=("ana", "b\x00o"),
        boost=-0.25,
        feed_category_id=9,
        starts_at_ms=5,
        ends_at_ms=6,
    )
    pin = Rule(name="a pin", action=RuleAction.PIN, post_ids=(4,))
    assert store.set_rule(boost) == 1
    assert store.set_rule(pin) == 2
    assert store.rules() == (pin, boost)
    hide = Rule(name="žuto", action=RuleAction.HIDE, post_ids=(1,))
    assert store.set_rule(hide) == 3
    assert store.delete_rule("nobody") is None
    assert store.delete_rule("a pin") == 4
    assert store.rules() == (hide,)
    assert store.entries_after(0).entries == (
        RuleSet(position=1, name="žuto", rule=None),
        RuleSet(position=2, name="a pin", rule=None),
        RuleSet(position=3, name="žuto", rule=hide),
        RuleDeleted(position=4, name="a pin"),
    )


@pytest.mark.parametrize("bad", [{"boost": float("nan")}, {"name": ""}, {"owner_usernames": ("\ud800",)}])
def test_a_rule_that_no_row_can_hold_is_refused(store: SqlStore, bad: dict[str, object]) -> None:
    rule = Rule(name="x", action=RuleAction.BOOST)
    with pytest.raises(InvalidPostError):
        store.set_rule(replace(rule, **bad))  # type: ignore[arg-type]
    assert store.rules() == ()


def test_deleting_or_expiring_people_touches_no_post(store: SqlStore) -> None:
    store.upsert_posts([NewPost(post=WHOLE)])
    record(store, did("1", "ana", post_id=7))
    store.delete_person("ana")
    store.expire(before_ms=2**60)
    revision = store.posts_by_id([7])[7]
    assert revision.post is not None
    assert revision.post.owner_username == "ana"


def test_writers_of_posts_beside_writers_of_interactions_share_one_order_without_gaps(
    store: SqlStore, url: str
) -> None:
    rounds, writers = 8, 3
    start = threading.Barrier(writers * 2)

    def upsert(number: int) -> Sequence[int]:
        start.wait()
        with open_store(url, pool_size=2) as own:
            return [own.upsert_posts([post(number), post(0, external_id=f"{turn}")])[0] for turn in range(rounds)]

    def act(number: int) -> Sequence[int]:
        start.wait()
        with open_store(url, pool_size=2) as own:
            return [record(own, did(f"{number} {turn}", "ana")) for turn in range(rounds)]

    with ThreadPoolExecutor(writers * 2) as pool:
        posts = [pool.submit(upsert, number + 1) for number in range(writers)]
        acts = [pool.submit(act, number) for number in range(writers)]
        positions = [position for future in (*posts, *acts) for position in future.result()]
    entries = store.entries_after(0, limit=LARGEST_LIMIT).entries
    assert [entry.position for entry in entries] == list(range(1, rounds * writers * 3 + 1))
    assert len(set(positions)) == len(positions)
    named = {entry.post_id for entry in entries if isinstance(entry, PostUpserted) and entry.post_id >= FIRST_GIVEN_ID}
    assert len(named) == rounds  # of several writers that bring the same external id, one makes the post
    assert len(store.post_revisions()) == writers + rounds
