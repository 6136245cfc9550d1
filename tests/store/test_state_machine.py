"""Whatever is recorded, taken back, deleted, merged and expired in whatever order: the store says what a model says."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import delete, update

from store.engine import connect, parse_url, writing
from store.interactions import NewInteraction, Recorded, Verb
from store.posts import FIRST_GIVEN_ID, NewPost, PostEmbedding
from store.rules import Rule, RuleAction
from store.schema import FACTS, LOG_HEAD, METADATA
from store.sql_store import SqlStore, open_store
from tests.store.model import Model
from tests.store.rows import embedding, post
from tests.store.tail_reader import TailReader

NAME_LIST = ["ana", "bo", "Ana", "ćira"]
NAMES = st.sampled_from(NAME_LIST)
EVENT_IDS = st.sampled_from([f"e{number}" for number in range(12)])
TIMES = st.integers(0, 9)
POSTS = st.integers(1, 4)
BUNDLES = st.sampled_from(["bundle", "Bundle"])
RULES = st.builds(
    Rule,
    name=st.sampled_from(["a", "ä"]),
    action=st.sampled_from(RuleAction),
    boost=st.floats(-1, 1),
    starts_at_ms=st.none() | TIMES,
)
BACK = st.integers(0, 12)  # positions before the newest


@st.composite
def new_interactions(draw: st.DrawFn) -> NewInteraction:
    event_id, retracts = draw(EVENT_IDS), draw(st.none() | EVENT_IDS)
    retracts = None if retracts == event_id else retracts
    verb = draw(st.sampled_from(Verb)) if retracts is None else draw(st.none() | st.sampled_from(Verb))
    is_by_id = draw(st.booleans())
    return NewInteraction(
        event_id=event_id,
        username=draw(NAMES),
        occurred_at_ms=draw(TIMES),
        verb=verb,
        post_id=draw(POSTS) if verb is not None and is_by_id else None,
        external_id=None if verb is None or is_by_id else f"post {draw(POSTS)}",
        watched_share=draw(st.none() | st.floats(0, 1)) if verb is Verb.VIEW else None,
        rating_percent=draw(st.integers(1, 100)) if verb is Verb.RATING else None,
        feed_id=draw(st.none() | st.just("f\u00e9ed")),
        retracts=retracts,
    )


@st.composite
def new_posts(draw: st.DrawFn) -> NewPost:
    external_id = draw(st.sampled_from(["", "source 1", "source 2"]))
    post_id = draw(POSTS | st.just(0) if external_id else POSTS)
    return post(post_id, draw(st.text(max_size=3)), external_id=external_id, at=draw(TIMES), keeps=draw(st.booleans()))


class StoreBesideItsModel(RuleBasedStateMachine):
    """Both are told the same, and asked the same."""

    store: SqlStore  # opened by the test; empty at the start of each example
    other: SqlStore  # the same, as another process has it open

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.reader = TailReader(self.store)

    @rule(rows=st.lists(new_interactions(), min_size=1, max_size=4), by_other=st.booleans())
    def record(self, rows: list[NewInteraction], by_other: bool) -> None:
        results = self.model.record(rows)
        assert (self.other if by_other else self.store).record(rows) == Recorded(self.model.head, results)

    @rule(name=NAMES, post_ids=st.lists(st.integers(-(2**63), 2**63 - 1) | POSTS, max_size=3), at=TIMES)
    def remember_served(self, name: str, post_ids: list[int], at: int) -> None:
        assert self.store.remember_served(name, post_ids, shown_at_ms=at) == self.model.remember_served(
            name, post_ids, at
        )

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        assert self.store.delete_person(name) == self.model.delete(name)

    @rule(name=NAMES, into=NAMES)
    def merge(self, name: str, into: str) -> None:
        if name != into:
            assert self.store.merge_people(name, into=into) == self.model.merge(name, into)

    @rule(before=TIMES)
    def expire(self, before: int) -> None:
        assert self.store.expire(before_ms=before) == self.model.expire(before)

    @rule(posts=st.lists(new_posts(), min_size=1, max_size=3))
    def upsert(self, posts: list[NewPost]) -> None:
        assert self.store.upsert_posts(posts) == self.model.upsert(posts)

    @rule(post_ids=st.lists(POSTS | st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=3))
    def delete_posts(self, post_ids: list[int]) -> None:
        assert self.store.delete_posts(post_ids) == self.model.delete_posts(post_ids)

    @rule(bundle=BUNDLES, back=BACK, number=st.integers(0, 255))
    def embed(self, bundle: str, back: int, number: int) -> None:
        """Embeddings of all posts; of those that changed in the last ``back`` positions, of another revision."""
        known = [*self.model.posts.values()]
        offered: list[PostEmbedding] = [
            embedding(each.post_id, min(each.position, self.model.head - back), bytes([number])) for each in known
        ]
        assert self.store.keep_embeddings(bundle, offered) == self.model.keep_embeddings(bundle, offered)

    @rule(kept=st.lists(BUNDLES, max_size=2))
    def forget_embeddings(self, kept: list[str]) -> None:
        assert self.store.forget_embeddings(but_of=kept) == self.model.forget_embeddings(kept)
        self.reader.embeddings = {key: held for key, held in self.reader.embeddings.items() if key[0] in kept}

    @rule(new=RULES)
    def set_rule(self, new: Rule) -> None:
        assert self.store.set_rule(new) == self.model.set_rule(new)

    @rule(name=st.sampled_from(["a", "ä"]))
    def delete_rule(self, name: str) -> None:
        assert self.store.delete_rule(name) == self.model.delete_rule(name)

    @rule(back=BACK, bundle=BUNDLES)
    def ask_about_posts(self, back: int, bundle: str) -> None:
        after = max(self.model.head - back, 0)
        newest = sorted(self.model.posts.values(), key=lambda revision: revision.position)
        assert self.store.post_revisions(after=after) == tuple(each for each in newest if each.position > after)
        wanted = [1, 2, FIRST_GIVEN_ID + 3]
        assert self.store.posts_by_id(wanted) == {
            key: self.model.posts[key] for key in wanted if key in self.model.posts
        }
        assert self.store.embeddings(bundle, after=after) == tuple(
            sorted(
                (kept for key, kept in self.model.embeddings.items() if key[0] == bundle and kept.revision > after),
                key=lambda kept: kept.revision,
            )
        )
        assert self.store.rules() == tuple(self.model.rules[name] for name in sorted(self.model.rules))

    @rule(back=BACK, further_back=BACK)
    def ask_about_everybody(self, back: int, further_back: int) -> None:
        up_to = max(self.model.head - back, 0)
        after = max(up_to - further_back, 0)
        found = self.store.histories([*NAME_LIST, "nobody"], up_to=up_to, after=after)
        assert all(history.position == up_to for history in found.values())
        assert {
            name: (
                history.interactions,
                history.taken_back,
                tuple((item.username, item.position) for item in history.merged),
                history.departed_at,
            )
            for name, history in found.items()
        } == {
            name: expected
            for name in NAME_LIST
            if (expected := self.model.history(name, up_to=up_to, after=after)) is not None
        }
        batches = list(self.store.events_up_to(up_to, after=after, batch=2))
        assert all(len(batch) <= 2 for batch in batches)
        assert [item for batch in batches for item in batch] == self.model.events_up_to(up_to, after=after)

    @rule(name=NAMES, since=TIMES, back=BACK)
    def ask_what_was_served(self, name: str, since: int, back: int) -> None:
        up_to = max(self.model.head - back, 0)
        assert self.store.served(name, since_ms=since, up_to=up_to) == self.model.served(name, since=since, up_to=up_to)
        assert self.store.served(name, since_ms=since) == self.model.served(name, since=since, up_to=self.model.head)

    @rule(name=NAMES)
    def export(self, name: str) -> None:
        export = self.store.export_person(name)
        if name not in self.model.people:
            assert export is None
            return
        assert export is not None
        rows = [row for row in self.model.rows if row.owner == name]
        assert export.interactions == tuple(row.interaction() for row in rows if row.is_interaction)
        assert [item.post_ids for item in export.served] == [row.shown for row in rows if row.new is None]
        assert len(export.retracted_event_keys) == sum(owner == name for _, owner in self.model.retractions)
        assert [item.username for item in export.merged] == [
            item.name for item in self.model.merged if item.owner == name
        ]

    @rule(limit=st.integers(1, 5))
    def read_on(self, limit: int) -> None:
        self.reader.read(limit=limit)

    @invariant()
    def the_position_is_the_models(self) -> None:
        assert self.store.position() == self.model.head

    def teardown(self) -> None:
        while self.reader.position < self.model.head:
            self.reader.read(limit=3)
        assert self.reader.interactions == self.model.counting()
        assert self.reader.posts == self.model.posts
        assert self.reader.embeddings == self.model.embeddings
        assert self.reader.rules == self.model.rules


def empty_all_tables(url: str) -> None:
    engine = connect(parse_url(url))
    with writing(engine) as connection:
        for table in METADATA.sorted_tables:
            if table not in {LOG_HEAD, FACTS}:
                connection.execute(delete(table))
        # As after a restore: whoever has the store open forgets what it knows.
        anew = {"position": 0, "restored_at": LOG_HEAD.c.restored_at + 1}
        connection.execute(update(LOG_HEAD).values(**anew, filed_up_to=0, filing_up_to=0, filed_parts=0))
    engine.dispose()


def test_the_store_says_what_the_model_says(url: str, monkeypatch) -> None:
    monkeypatch.setattr("store.recent_events.FILING_BEGINS_AT", 3)
    with open_store(url) as opened, open_store(url) as opened_twice:

        class Machine(StoreBesideItsModel):
            store, other = opened, opened_twice

            def __init__(self) -> None:
                empty_all_tables(url)
                super().__init__()

        run_state_machine_as_test(  # type: ignore[no-untyped-call]
            Machine,
            settings=settings(
                max_examples=20, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
