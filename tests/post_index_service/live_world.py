"""A bundle of few posts, a store beside it, and what brute force finds in what a model says is visible."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from bundle.embedding_space import Embedding
from bundle.index_posts import Category, IndexPosts
from bundle.served_posts import PostTable, ServedPost
from post_index_service.filters import NO_FILTERS, Filters
from post_index_service.index import PostIndex
from post_index_service.query import Query
from post_index_service.reasons import Reason
from store.posts import NewPost, Post, PostEmbedding
from store.rules import Rule, RuleAction
from tests.post_index_service.conftest import unit_rows

NOON = 1_767_225_600_000  # where the clock of trends stands without interactions
TOWER, TEXT, USER_WEIGHT = 8, 12, 0.75
_RANDOM = np.random.default_rng(5)
TOWERS = unit_rows(_RANDOM, 4, TOWER)
TEXTS = np.concatenate([unit_rows(_RANDOM, 3, TEXT), np.zeros((1, TEXT), np.float32)]).astype(np.float16)
USERS, MOODS = unit_rows(_RANDOM, 2, TOWER), unit_rows(_RANDOM, 2, TEXT)


@dataclass(frozen=True)
class Form:
    """What a post is."""

    post_id: int
    category_id: int
    tower: int
    text: int
    owner: str = "ana"
    external_id: str = ""
    is_servable: bool = True
    language: str = ""

    @property
    def created_ms(self) -> int:
        return NOON + self.tower

    def new(self) -> NewPost:
        return NewPost(
            post=Post(
                post_id=self.post_id,
                category_id=self.category_id,
                video_link=f"https://video.example/{self.post_id}",
                created_at_ms=self.created_ms,
                language=self.language,
                category_name=f"category {self.category_id}",
                title=f"{self.tower} {self.text}",
                owner_username=self.owner,
                external_id=self.external_id,
                is_servable=self.is_servable,
            )
        )

    def embedding(self, revision: int) -> PostEmbedding:
        return PostEmbedding(
            post_id=self.post_id,
            revision=revision,
            tower=TOWERS[self.tower].astype("<f4").tobytes(),
            text=TEXTS[self.text].astype("<f2").tobytes(),
        )


def index_posts_of(forms: Sequence[Form], popularity: Mapping[int, float]) -> IndexPosts:
    forms = sorted(forms, key=lambda form: (form.category_id, form.post_id))
    categories = sorted({form.category_id for form in forms})
    return IndexPosts(
        post_ids=np.array([form.post_id for form in forms], np.int64),
        category_ids=np.array([form.category_id for form in forms], np.int32),
        tower_embeddings=TOWERS[[form.tower for form in forms]].reshape(-1, TOWER),
        text_embeddings=TEXTS[[form.text for form in forms]].reshape(-1, TEXT),
        popularity=np.array([popularity[form.post_id] for form in forms], np.float32),
        created_ms=np.array([form.created_ms for form in forms], np.int64),
        posts=PostTable.of(
            ServedPost(
                form.post_id,
                f"https://video.example/{form.post_id}",
                f"{form.tower} {form.text}",
                "",
                form.category_id,
                form.owner,
                form.external_id,
                form.language,
            )
            for form in forms
        ),
        categories=tuple(Category(number, f"category {number}") for number in categories if number),
    )


@dataclass(frozen=True)
class Seen:
    """What is to be seen as of a position: the forms, the rules, and how many people met each post."""

    forms: Mapping[int, Form]
    rules: tuple[Rule, ...]
    met: Mapping[int, int]
    popularity: Mapping[int, float]
    of_bundle: Sequence[Form]

    def has(self, category_ids: set[int]) -> bool:
        return category_ids <= {form.category_id for form in self.forms.values()}


@dataclass(frozen=True)
class Asked:
    """A search in the words of the world."""

    user: int | None = None
    mood: int | None = None
    trending: bool = False
    category_id: int | None = None
    exclude: tuple[int, ...] = ()
    called: tuple[str, ...] = ()
    unwanted: tuple[int, ...] = ()
    seen: tuple[int, ...] = ()
    filters: Filters = NO_FILTERS
    limit: int = 100

    @property
    def categories(self) -> set[int]:
        """That are named."""
        return {*([] if self.category_id is None else [self.category_id]), *self.filters.category_ids}

    def allows(self, form: Form) -> bool:
        filters = self.filters
        return (
            self.category_id in {None, form.category_id}
            and (not filters.category_ids or form.category_id in filters.category_ids)
            and form.category_id not in filters.excluded_category_ids
            and form.owner not in filters.excluded_owner_usernames
            and (filters.created_after_ms is None or form.created_ms > filters.created_after_ms)
            and (not filters.languages or form.language.casefold() in filters.languages)
        )

    def query(self, index: PostIndex) -> Query:
        return Query(
            user=None if self.user is None else Embedding(index.tower_space, USERS[self.user]),
            mood=None if self.mood is None else Embedding(index.text_space, MOODS[self.mood]),
            trending=self.trending,
            category_id=self.category_id,
            exclude_post_ids=self.exclude,
            exclude_external_ids=self.called,
            not_interested_post_ids=self.unwanted,
            seen_post_ids=self.seen,
            filters=self.filters,
            limit=self.limit,
            seconds=30,
        )


@dataclass(frozen=True)
class Expected:
    post_id: int
    score: float
    reason: Reason


@dataclass
class _Row:
    form: Form
    key: tuple[float, ...]
    number: float
    score: float
    boost: float = 0.0
    is_boosted: bool = False


def counting(rules: Sequence[Rule], moment_ms: int, category_id: int | None, action: RuleAction) -> list[Rule]:
    return [
        rule
        for rule in sorted(rules, key=lambda rule: rule.name)
        if rule.action is action
        and (rule.feed_category_id is None or rule.feed_category_id == category_id)
        and (rule.starts_at_ms is None or rule.starts_at_ms <= moment_ms)
        and (rule.ends_at_ms is None or moment_ms < rule.ends_at_ms)
    ]


def names(rule: Rule, form: Form) -> bool:
    return form.post_id in rule.post_ids or form.category_id in rule.category_ids or form.owner in rule.owner_usernames


def hidden(rules: Sequence[Rule], moment_ms: int, category_id: int | None, form: Form) -> bool:
    return any(names(rule, form) for rule in counting(rules, moment_ms, category_id, RuleAction.HIDE))


def brute_force(asked: Asked, seen: Seen, moment_ms: int) -> list[Expected]:
    """The whole ranking, by the contract."""
    forms = [
        form
        for form in seen.forms.values()
        if asked.allows(form)
        and form.post_id not in {*asked.exclude, *asked.unwanted}
        and (not form.external_id or form.external_id not in asked.called)
        and not hidden(seen.rules, moment_ms, asked.category_id, form)
    ]
    rows = [_row(asked, form, seen) for form in forms]
    reach = _reach(asked, seen)
    for rule in counting(seen.rules, moment_ms, asked.category_id, RuleAction.BOOST):
        for row in rows:
            if names(rule, row.form):
                row.boost += rule.boost
                row.is_boosted = True
    pins: list[int] = []
    for rule in counting(seen.rules, moment_ms, asked.category_id, RuleAction.PIN)[:1]:
        left = {row.form.post_id for row in rows} - set(asked.seen)
        pins = [post_id for post_id in dict.fromkeys(rule.post_ids) if post_id in left]
    by_id = {row.form.post_id: row for row in rows}
    others = [row for row in rows if row.form.post_id not in pins]
    ordered = [by_id[post_id] for post_id in pins]
    for is_seen in (False, True):
        ordered += _ranked([row for row in others if (row.form.post_id in asked.seen) == is_seen], reach)
    return [
        Expected(
            row.form.post_id,
            row.score,
            Reason.PINNED if row.form.post_id in pins else Reason.BOOSTED if row.is_boosted else _reason(asked),
        )
        for row in ordered
    ]


def _row(asked: Asked, form: Form, seen: Seen) -> _Row:
    popularity = np.float32(seen.popularity.get(form.post_id, 0.0))
    user = None if asked.user is None else np.einsum("rd,d->r", TOWERS[[form.tower]], USERS[asked.user])[0]
    text = TEXTS[[form.text]].astype(np.float32)
    mood = None if asked.mood is None else np.einsum("rd,d->r", text, MOODS[asked.mood])[0]
    if mood is None and user is None and asked.trending:
        met = seen.met.get(form.post_id, 0)
        number = np.float32(1 + met) if met else popularity
        return _Row(form, (-met, -popularity, form.post_id), number, met)
    if mood is None:
        number = score = popularity if user is None else user
    else:
        number = mood if user is None else mood + np.float32(USER_WEIGHT) * user
        score = mood if user is None else user
    return _Row(form, (-number, form.post_id), number, score)


def _reach(asked: Asked, seen: Seen) -> float:
    if asked.user is None and asked.mood is None and asked.trending:
        of_bundle = [
            form for form in seen.of_bundle if len(asked.categories) != 1 or form.category_id in asked.categories
        ]
        visible = [form for form in seen.forms.values() if asked.allows(form)]
        return 1 + max((seen.met.get(form.post_id, 0) for form in [*of_bundle, *visible]), default=0)
    return 1 + USER_WEIGHT if asked.user is not None and asked.mood is not None else 1.0


def _ranked(rows: list[_Row], reach: float) -> list[_Row]:
    """Boosted rows go before the first other one whose number is smaller, or equal with a larger id."""
    ranked = sorted((row for row in rows if not row.is_boosted), key=lambda row: row.key)
    boosted = [
        replace_number(row, row.number + np.float32(max(-1.0, min(1.0, row.boost))) * np.float32(reach))
        for row in rows
        if row.is_boosted
    ]
    for row in sorted(boosted, key=lambda row: (row.number, -row.form.post_id)):  # the last first
        places = (
            place
            for place, other in enumerate(ranked)
            if other.is_boosted or (other.number, -other.form.post_id) < (row.number, -row.form.post_id)
        )
        ranked.insert(next(places, len(ranked)), row)
    return ranked


def replace_number(row: _Row, number: float) -> _Row:
    return replace(row, number=number)


def _reason(asked: Asked) -> Reason:
    match asked.user, asked.mood:
        case None, None:
            return Reason.TRENDING if asked.trending else Reason.POPULAR
        case None, _:
            return Reason.MOOD
        case _, None:
            return Reason.USER
    return Reason.MOOD_AND_USER


@dataclass
class Model:
    """What one index should know of the posts, read by read; an event is (position, post id, form, None if deleted)."""

    of_bundle: Sequence[Form]
    popularity: Mapping[int, float]
    base: int
    visible: dict[int, Form] = field(default_factory=dict)
    pending: dict[int, tuple[int, Form]] = field(default_factory=dict)
    gone: list[tuple[int, int]] = field(default_factory=list)  # position, post id
    read_up_to: int = 0

    def __post_init__(self) -> None:
        self.visible = {form.post_id: form for form in self.of_bundle}
        self.read_up_to = self.base

    def read(
        self, changes: Sequence[tuple[int, int, Form | None]], embedded: Sequence[tuple[int, int, int]], up_to: int
    ) -> None:
        """What is changed by a later change is not in the log any more, nor are its embeddings."""
        newest = {post_id: position for position, post_id, _ in changes}
        events: list[tuple[int, object]] = [(change[0], change) for change in changes]
        events += [(entry[0], entry) for entry in embedded]
        for position, event in sorted(events, key=lambda item: (item[0], str(item[1]))):
            if not self.read_up_to < position <= up_to:
                continue
            if isinstance(event[2], Form | None) and event in changes:
                self._change(event, newest)
            else:
                _, post_id, revision = event
                if newest[post_id] == revision and post_id in self.pending and self.pending[post_id][0] == revision:
                    self.visible[post_id] = self.pending.pop(post_id)[1]
        self.read_up_to = up_to

    def _change(self, change: tuple[int, int, Form | None], newest: Mapping[int, int]) -> None:
        position, post_id, form = change
        if form is not None and newest[post_id] != position:
            return
        self.pending.pop(post_id, None)
        if form is not None and form.is_servable:
            self.pending[post_id] = (position, form)
        else:
            self.visible.pop(post_id, None)
            self.gone.append((position, post_id))
