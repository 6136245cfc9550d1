"""Whatever is upserted, deleted, encoded, ruled, read, swapped and restarted in whatever order, searches and pages are
those of brute force over what is visible.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from bundle.post_trends import PostTrends
from compute.log_tail import LogTail
from post_index_service.filters import NO_FILTERS, Filters
from post_index_service.index import PostIndex
from post_index_service.live_posts import PostsNotHeldError
from post_index_service.search_errors import CategoryNotFoundError
from store.interactions import NewInteraction, Verb
from store.rules import Rule, RuleAction
from store.sql_store import SqlStore, open_store
from tests.post_index_service.live_world import (
    NOON,
    TEXTS,
    TOWERS,
    USER_WEIGHT,
    Asked,
    Expected,
    Form,
    Model,
    Seen,
    brute_force,
    hidden,
    index_posts_of,
)
from tests.store.test_state_machine import empty_all_tables

IDS = st.integers(1, 14)
POPULARITY: Mapping[int, float] = {post_id: post_id % 3 / 2 for post_id in range(15)}
CATEGORIES = [1, 2, 3]
FIRST = [
    Form(post_id, 1 + post_id % 2, post_id % len(TOWERS), post_id % len(TEXTS), "ana" if post_id % 3 else "béla")
    for post_id in range(1, 10)
]
FORMS = st.builds(
    Form,
    IDS,
    st.sampled_from(CATEGORIES),
    st.integers(0, len(TOWERS) - 1),
    st.integers(0, len(TEXTS) - 1),
    st.sampled_from(["ana", "béla", "cho"]),
    st.sampled_from(["", "called", "named"]),
    st.sampled_from([True, True, True, False]),
    st.sampled_from(["", "en", "FR"]),
)
SOME_IDS = st.lists(IDS, max_size=4).map(tuple)
FILTERS = st.builds(
    Filters,
    category_ids=st.sampled_from([(), (), (1,), (2, 3)]),
    excluded_category_ids=st.sampled_from([(), (), (3,)]),
    excluded_owner_usernames=st.sampled_from([(), (), ("béla",), ("cho", "nobody")]),
    created_after_ms=st.sampled_from([None, None, NOON + 1]),
    languages=st.sampled_from([(), (), ("en", "fr")]),
)
ASKED = st.builds(
    Asked,
    user=st.sampled_from([None, None, 0, 1]),
    mood=st.sampled_from([None, None, 0, 1]),
    trending=st.booleans(),
    category_id=st.sampled_from([None, None, *CATEGORIES]),
    exclude=SOME_IDS,
    called=st.sampled_from([(), ("called",)]),
    unwanted=SOME_IDS,
    seen=SOME_IDS,
    filters=st.one_of(st.just(NO_FILTERS), FILTERS),
    limit=st.integers(1, 4),
)
SELDOM = st.integers(0, 4)  # 0 happens
MOMENTS = st.sampled_from([None, NOON, NOON + 100])


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    action = draw(st.sampled_from(RuleAction))
    is_pin = action is RuleAction.PIN
    return Rule(
        name=draw(st.sampled_from("abc")),
        action=action,
        post_ids=draw(st.lists(IDS, min_size=1, max_size=3).map(tuple)),
        category_ids=() if is_pin else draw(st.sampled_from([(), (), (2,)])),
        owner_usernames=() if is_pin else draw(st.sampled_from([(), (), ("béla",)])),
        boost=draw(st.sampled_from([0.5, -0.25, 1.0])) if action is RuleAction.BOOST else 0.0,
        feed_category_id=draw(st.sampled_from([None, None, 1])),
        starts_at_ms=draw(MOMENTS),
        ends_at_ms=draw(MOMENTS),
    )


@dataclass(frozen=True)
class Upserts:
    forms: list[Form]
    is_embedded: bool


@dataclass(frozen=True)
class Deletes:
    post_id: int


@dataclass(frozen=True)
class Embeds:
    number: int | None  # of those that can be embedded; None for all


@dataclass(frozen=True)
class Meets:
    post_id: int
    person: str


@dataclass(frozen=True)
class Unrules:
    name: str


@dataclass(frozen=True)
class Waits:
    milliseconds: int


Change = Upserts | Deletes | Embeds | Meets | Rule | Unrules | Waits
CHANGES: st.SearchStrategy[Change] = st.one_of(
    st.builds(Upserts, st.lists(FORMS, min_size=1, max_size=3), st.sampled_from([True, True, False])),
    st.builds(Upserts, st.lists(FORMS, min_size=1, max_size=3), st.just(True)),
    st.builds(Deletes, IDS),
    st.builds(Embeds, st.none() | st.integers(0, 5)),
    st.builds(Meets, IDS, st.sampled_from(["ana", "béla", "cho"])),
    rules(),
    st.builds(Unrules, st.sampled_from("abc")),
    st.just(Waits(60)),
)


@dataclass
class Token:
    """A feed that is read page by page."""

    asked: Asked
    position: int
    moment_ms: int
    counted: int
    rest: list[Expected]
    offset: int
    forms: Mapping[int, Form]
    bundle: int


class LiveBesideBruteForce(RuleBasedStateMachine):
    store: SqlStore  # opened by the test; empty at the start of each example
    options: Mapping[str, int] = {}

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = NOON
        self.bundle = 0
        self.changes: list[tuple[int, int, Form | None]] = []
        self.embedded: list[tuple[int, int, int]] = []  # position, post, revision, for the bundle
        self.ruled = 0  # position of the newest change of a rule
        self.met: dict[int, set[str]] = defaultdict(set)
        self.tokens: list[Token] = []
        self.model = Model(FIRST, POPULARITY, 0)
        self._start()
        for post_id in (2, 3, 11, 12):
            self._change(Meets(post_id, "ana"))
        self._change(Upserts([Form(3, 3, 1, 1), Form(11, 1, 0, 2), Form(12, 2, 2, 0), Form(13, 3, 3, 3)], True))
        for asked in (Asked(user=0, limit=3), Asked(trending=True, limit=2), Asked(mood=1, category_id=2, limit=2)):
            self._search(asked)

    def _start(self) -> None:
        self.tail = LogTail(lambda: self.store)
        self.tail._store, self.tail.is_stopped = self.store, False  # the test itself follows the log
        self.index = PostIndex(
            index_posts_of(self.model.of_bundle, POPULARITY),
            bundle_id=f"{self.bundle:064}",
            user_weight=USER_WEIGHT,
            trends=PostTrends.none(len(self.model.of_bundle)),
            log=self.tail,
            log_position=self.model.base,
            now_ms=lambda: self.now_ms,
            **self.options,
        )

    @rule(changes=st.lists(CHANGES, min_size=1, max_size=4), is_read=st.booleans())
    def change(self, changes: list[Change], is_read: bool) -> None:
        for change in changes:
            self._change(change)
        if is_read:
            self._read()

    def _change(self, change: Change) -> None:
        match change:
            case Upserts(forms, is_embedded):
                last, _ = self.store.upsert_posts([form.new() for form in forms])
                first = last - len(forms) + 1
                self.changes += [(first + place, form.post_id, form) for place, form in enumerate(forms)]
                if is_embedded:
                    self._embed(self._ready())
            case Deletes(post_id):
                self.changes.append((self.store.delete_posts([post_id]), post_id, None))
            case Embeds(number):
                ready = self._ready()
                self._embed(ready if number is None or not ready else [ready[number % len(ready)]])
            case Meets(post_id, person):
                event_id = f"{person} {post_id} {self.bundle}"  # a repeat changes nothing, also after a swap
                row = NewInteraction(
                    event_id=event_id, username=person, occurred_at_ms=NOON, verb=Verb.VIEW, post_id=post_id
                )
                self.store.record([row])
                self.met[post_id].add(person)
            case Rule():
                self.ruled = self.store.set_rule(change)
            case Unrules(name):
                self.ruled = self.store.delete_rule(name) or self.ruled
            case Waits(milliseconds):
                self.now_ms += milliseconds

    def _ready(self) -> list[tuple[int, Form]]:
        newest = {post_id: (position, form) for position, post_id, form in self.changes}
        return [(position, form) for position, form in newest.values() if form is not None]

    def _embed(self, chosen: list[tuple[int, Form]]) -> None:
        position = self.store.keep_embeddings(
            self.index.bundle_id, [form.embedding(revision) for revision, form in chosen]
        )
        known = {(post_id, revision) for _, post_id, revision in self.embedded}
        if position:
            self.embedded += [
                (position, form.post_id, revision) for revision, form in chosen if (form.post_id, revision) not in known
            ]

    def _read(self) -> None:
        self.tail._read_all(self.store)
        self.model.read(self.changes, self.embedded, self.store.position())
        assert self.index.live.position == self.store.position()
        assert self.index.live.pending_count == len(self.model.pending)

    def _seen(self) -> Seen:
        met = {post_id: len(people) for post_id, people in self.met.items()}
        return Seen(dict(self.model.visible), self.store.rules(), met, self._popularity(), self.model.of_bundle)

    def _popularity(self) -> Mapping[int, float]:
        return {form.post_id: POPULARITY[form.post_id] for form in self.model.of_bundle}

    @invariant()
    def categories_are_those_of_the_posts(self) -> None:
        counts: dict[int, int] = defaultdict(int)
        for form in self.model.visible.values():
            counts[form.category_id] += 1
        found = {item.category.category_id: item.post_count for item in self.index.categories()}
        assert found == dict(counts)
        assert all(item.category.name for item in self.index.categories())

    @rule(asked=ASKED)
    def search(self, asked: Asked) -> None:
        self._search(asked)

    def _search(self, asked: Asked) -> None:
        self._read()
        seen = self._seen()
        query = asked.query(self.index)
        if not seen.has(asked.categories):
            with pytest.raises(CategoryNotFoundError):
                self.index.search(query)
            return
        expected = brute_force(asked, seen, self.now_ms)
        least = self.store.position() if asked.trending else 0
        whole = self.index.search(query._replace(limit=100, at_least_position=least))
        assert [(item.post.post_id, item.score, item.reason) for item in whole.posts] == [
            (item.post_id, item.score, item.reason) for item in expected
        ]
        assert list(whole.ranking_scores) == sorted(whole.ranking_scores, reverse=True)
        assert not whole.has_more
        for item in whole.posts:
            form = seen.forms[item.post.post_id]
            assert (item.post.title, item.post.owner_username) == (f"{form.tower} {form.text}", form.owner)
        assert whole.posts_position is not None
        self.tokens = self.tokens[-5:]
        self.tokens.append(
            Token(
                asked,
                whole.posts_position,
                whole.rules_moment_ms,
                whole.counted_position,
                expected,
                0,
                seen.forms,
                self.bundle,
            )
        )

    @precondition(lambda self: self.tokens)
    @rule()
    def pages(self) -> None:
        """The next page of each feed that was begun."""
        self._read()
        for token in list(self.tokens):
            self._page(token)

    def _page(self, token: Token) -> None:
        if token.bundle != self.bundle:
            self.tokens.remove(token)
            return
        query = token.asked.query(self.index)._replace(
            offset=token.offset,
            posts_position=token.position,
            rules_moment_ms=token.moment_ms,
            counted_position=token.counted if token.asked.trending else None,
        )
        if token.position < self.index.live.layer.known_since:
            with pytest.raises(PostsNotHeldError):
                self.index.search(query)
            self.tokens.remove(token)
            return
        found = self.index.search(query)
        gone = {post_id for position, post_id in self.model.gone if position > token.position}
        now = self.store.rules()
        limit = token.asked.limit
        expected = [
            (item.post_id, item.score, item.reason)
            for item in token.rest[:limit]
            if item.post_id not in gone
            and not hidden(now, self.now_ms, token.asked.category_id, token.forms[item.post_id])
        ]
        assert [(item.post.post_id, item.score, item.reason) for item in found.posts] == expected
        assert found.has_more == (len(token.rest) > limit)
        assert found.posts_position == token.position
        token.rest, token.offset = token.rest[limit:], token.offset + limit
        if not token.rest:
            self.tokens.remove(token)

    @rule(number=SELDOM)
    def restart(self, number: int) -> None:
        """What changed since a page before cannot be told apart from what was there: such a page is refused."""
        if number:
            return
        self._read()
        self.model = Model(self.model.of_bundle, POPULARITY, self.model.base)
        self._start()
        self._read()
        newest = max(
            [position for position, *_ in [*self.changes, *self.embedded] if position > self.model.base]
            + ([self.ruled] if self.ruled > self.model.base else []),
            default=self.model.base,
        )
        assert self.index.live.layer.known_since <= self.store.position()
        known_since = self.index.live.layer.known_since
        if known_since > newest:
            assert self.model.pending
        if self.model.pending:
            # What these posts were before is lost (docs/live.md says so). A page from before the restart of the newest
            # position lacks them: the index cannot tell its token from those that it gives from now on.
            self.tokens = [token for token in self.tokens if token.position < known_since]

    @rule(number=SELDOM)
    def swap(self, number: int) -> None:
        """The next bundle holds what can be served now, encoded anew."""
        if number:
            return
        newest = {form.post_id: form for form in self.model.of_bundle}
        for _, post_id, form in self.changes:
            if form is None or not form.is_servable:
                newest.pop(post_id, None)
            else:
                newest[post_id] = form
        self.model = Model(list(newest.values()), POPULARITY, self.store.position())
        self.bundle += 1
        self.changes, self.embedded = [], []
        self.met = defaultdict(set)  # the trends of a bundle are in the bundle
        self._start()

    @invariant()
    def deleted_posts_are_never_shown(self) -> None:
        gone = {post_id for position, post_id, form in self.changes if form is None}
        back = {post_id for position, post_id, form in self.changes if form is not None}
        if self.index.live.position == self.store.position():
            shown = {item.post.post_id for item in self.index.search(Asked().query(self.index)).posts}
            assert not shown & (gone - back)


@pytest.mark.parametrize("options", [{}, {"most_exact": 0}, {"most_dense": 0}], ids=["exact", "shortlist", "coded"])
def test_searches_and_pages_are_those_of_brute_force(tmp_path: object, options: dict[str, int]) -> None:
    url = f"sqlite:///{tmp_path}/store.sqlite"
    with open_store(url) as opened:

        class Machine(LiveBesideBruteForce):
            store = opened

            def __init__(self) -> None:
                empty_all_tables(url)
                super().__init__()

        Machine.options = options
        run_state_machine_as_test(  # type: ignore[no-untyped-call]
            Machine,
            settings=settings(
                max_examples=8, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
