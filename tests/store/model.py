"""What the store promises, said as simply as possible: lists in memory, no performance."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from store.interactions import Interaction, NewInteraction, RecordResult
from store.posts import FIRST_GIVEN_ID, NewPost, PostEmbedding, PostRevision
from store.rules import Rule


@dataclass
class Row:
    """A row of the log that belongs to a person: an interaction (or only a retraction), or what was shown."""

    position: int
    since: int
    owner: str
    new: NewInteraction | None
    moment: int
    shown: tuple[int, ...] = ()
    taken_back_at: int | None = None

    @property
    def is_interaction(self) -> bool:
        return self.new is not None and self.new.verb is not None

    def interaction(self) -> Interaction:
        assert self.new is not None
        assert self.new.verb is not None
        return Interaction(
            position=self.position,
            since=self.since,
            username=self.owner,
            verb=self.new.verb,
            occurred_at_ms=self.moment,
            event_id=self.new.event_id,
            post_id=self.new.post_id,
            external_id=self.new.external_id,
            watched_share=self.new.watched_share,
            rating_percent=self.new.rating_percent,
            feed_id=self.new.feed_id,
            taken_back_at=self.taken_back_at,
        )


@dataclass
class Merged:
    owner: str
    name: str | None
    position: int
    since: int
    departed_before: int


@dataclass
class Model:
    head: int = 0
    rows: list[Row] = field(default_factory=list)
    people: set[str] = field(default_factory=set)
    events: dict[str, int] = field(default_factory=dict)
    retractions: set[tuple[str, str]] = field(default_factory=set)  # event id and owner
    merged: list[Merged] = field(default_factory=list)
    departed: dict[str, int] = field(default_factory=dict)
    posts: dict[int, PostRevision] = field(default_factory=dict)
    external_ids: dict[int, str] = field(default_factory=dict)  # of the last upsert of each post
    embeddings: dict[tuple[str, int], PostEmbedding] = field(default_factory=dict)  # by bundle and post
    rules: dict[str, Rule] = field(default_factory=dict)

    def record(self, rows: Sequence[NewInteraction]) -> tuple[RecordResult, ...]:
        return tuple(self._record(row) for row in rows)

    def _record(self, new: NewInteraction) -> RecordResult:
        if new.event_id in self.events:
            return RecordResult.DUPLICATE
        self.head += 1
        self.events[new.event_id] = self.head
        self.people.add(new.username)
        self.rows.append(Row(self.head, self.head, new.username, new, new.occurred_at_ms))
        if new.retracts is not None:
            self.retractions.add((new.retracts, new.username))
        self._apply_retractions()
        return RecordResult.ACCEPTED

    def _apply_retractions(self) -> None:
        for row in self.rows:
            if row.new is None or row.new.verb is None or row.taken_back_at is not None:
                continue
            if (row.new.event_id, row.owner) in self.retractions:
                row.taken_back_at = self.head

    def remember_served(self, username: str, post_ids: Sequence[int], moment: int) -> int:
        self.head += 1
        self.people.add(username)
        self.rows.append(Row(self.head, self.head, username, None, moment, shown=tuple(post_ids)))
        return self.head

    def delete(self, username: str) -> int:
        self.head += 1
        self.rows = [row for row in self.rows if row.owner != username]
        self.retractions = {item for item in self.retractions if item[1] != username}
        self.merged = [item for item in self.merged if item.owner != username]
        for item in self.merged:
            item.name = None if item.name == username else item.name
        self.people.discard(username)
        self.departed[username] = self.head
        return self.head

    def merge(self, name: str, into: str) -> int:
        self.head += 1
        for row in self.rows:
            if row.owner == name:
                row.owner, row.since = into, self.head
        for item in self.merged:
            if item.owner == name:
                item.owner, item.since = into, self.head
        self.retractions = {(event, into if owner == name else owner) for event, owner in self.retractions}
        self._apply_retractions()
        self.merged.append(Merged(into, name, self.head, self.head, self.departed.get(name, 0)))
        self.people.discard(name)
        self.people.add(into)
        self.departed[name] = self.head
        return self.head

    def expire(self, before: int) -> int:
        old = [row for row in self.rows if row.moment < before]
        self.rows = [row for row in self.rows if row.moment >= before]
        for name in (
            {row.owner for row in old} - {row.owner for row in self.rows} - {item.owner for item in self.merged}
        ):
            self.people.discard(name)
            self.retractions = {item for item in self.retractions if item[1] != name}
        self.head += bool(old)
        return len(old)

    def history(self, username: str, *, up_to: int, after: int) -> tuple[object, ...] | None:
        """interactions, taken_back, merged and departed_at, as PersonHistory has them."""
        if username not in self.people and username not in self.departed:
            return None
        own = sorted(
            (row for row in self.rows if row.owner == username and row.is_interaction),
            key=lambda row: (row.moment, row.position),
        )
        return (
            tuple(
                row.interaction()
                for row in own
                if row.position > after
                and row.since <= up_to
                and (row.taken_back_at is None or row.taken_back_at > up_to)
            ),
            tuple(
                row.interaction()
                for row in own
                if row.position <= after and row.taken_back_at is not None and after < row.taken_back_at <= up_to
            ),
            tuple(
                (item.name, item.position)
                for item in self.merged
                if item.owner == username
                and item.position > after
                and item.since <= up_to
                and item.departed_before <= after
            ),
            self.departed.get(username, 0),
        )

    def events_up_to(self, position: int, *, after: int) -> list[Interaction]:
        return [
            row.interaction()
            for row in self.rows
            if row.is_interaction
            and after < row.position <= position
            and (row.taken_back_at is None or row.taken_back_at > position)
        ]

    def served(self, username: str, *, since: int, up_to: int) -> frozenset[int]:
        return frozenset(
            post_id
            for row in self.rows
            if row.owner == username and row.moment >= since and row.since <= up_to
            for post_id in row.shown
        )

    def counting(self) -> dict[int, Interaction]:
        """What counts now, by position."""
        return {
            row.position: replace(row.interaction(), since=0)
            for row in self.rows
            if row.is_interaction and row.taken_back_at is None
        }

    def upsert(self, posts: Sequence[NewPost]) -> tuple[int, tuple[int, ...]]:
        return self.head + len(posts), tuple(self._upsert(new) for new in posts)

    def _upsert(self, new: NewPost) -> int:
        self.head += 1
        post = new.post
        named = [post_id for post_id, name in self.external_ids.items() if name and name == post.external_id]
        newest_first = sorted(named, key=lambda post_id: -self.posts[post_id].position)
        post_id = post.post_id or (newest_first[0] if newest_first else FIRST_GIVEN_ID + self.head)
        before = self.posts[post_id].post if post_id in self.posts else None
        if new.keeps_created_at and before is not None:
            post = replace(post, created_at_ms=before.created_at_ms)
        self._replace(PostRevision(post_id=post_id, position=self.head, post=replace(post, post_id=post_id)))
        self.external_ids[post_id] = post.external_id
        return post_id

    def delete_posts(self, post_ids: Sequence[int]) -> int:
        for post_id in post_ids:
            self.head += 1
            self._replace(PostRevision(post_id=post_id, position=self.head, post=None))
        return self.head

    def _replace(self, revision: PostRevision) -> None:
        self.posts[revision.post_id] = revision
        self.embeddings = {key: kept for key, kept in self.embeddings.items() if key[1] != revision.post_id}

    def keep_embeddings(self, bundle_id: str, embeddings: Sequence[PostEmbedding]) -> int:
        new = {
            (bundle_id, offered.post_id): offered
            for offered in embeddings
            if (bundle_id, offered.post_id) not in self.embeddings
            and (revision := self.posts.get(offered.post_id)) is not None
            and revision.post is not None
            and revision.position == offered.revision
        }
        self.embeddings |= new
        self.head += bool(new)
        return self.head if new else 0

    def forget_embeddings(self, but_of: Sequence[str]) -> int:
        before = len(self.embeddings)
        self.embeddings = {key: kept for key, kept in self.embeddings.items() if key[0] in but_of}
        return before - len(self.embeddings)

    def set_rule(self, rule: Rule) -> int:
        self.head += 1
        self.rules[rule.name] = rule
        return self.head

    def delete_rule(self, name: str) -> int | None:
        if self.rules.pop(name, None) is None:
            return None
        self.head += 1
        return self.head
