"""The port of the store, by consumer: what is recorded, what is read, what was shown, and a person's data.

Every method is safe in any thread, blocks until the answer is there, and raises StoreUnavailableError within a bounded
time if the database cannot answer. Positions are whole numbers that only grow; 0 is before the first row.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from store.interactions import Interaction, NewInteraction, Recorded
from store.log_entries import Entries, PostsServed
from store.people import Claim, PersonExport, PersonHistory
from store.posts import NewPost, PostEmbedding, PostRevision
from store.rules import Rule

LARGEST_LIMIT = 100_000  # rows of one read of the tail


class InteractionLog(Protocol):
    """The log: rows are appended, and read in one order by everybody."""

    def record(self, interactions: Sequence[NewInteraction]) -> Recorded:
        """Keep rows durably, each once for ever by its event id; all of them, or none and StoreUnavailableError.

        A repeated event id is a duplicate and changes nothing, whatever else its row says, also within one call,
        and also after its row was deleted or expired. ``retracts`` takes back the event of that id, if it is the
        same person's; if it is unknown, it is taken back when it comes. A retraction cannot be retracted: whoever
        likes again sends a new event.
        """
        ...

    def position(self) -> int:
        """The position of the newest row that can be read."""
        ...

    def wait_for(self, position: int, *, timeout: float) -> int:
        """Wait until the log has reached ``position``, at most ``timeout`` seconds; gives the position reached.

        To wait for whatever comes next, ask for one more than the position that you have read up to.
        """
        ...

    def entries_after(self, position: int, *, limit: int = 10_000) -> Entries:
        """The next entries of the log, at most ``limit`` (1..LARGEST_LIMIT).

        Nothing that is committed later has a position up to the one given back.
        """
        ...

    def events_up_to(self, position: int, *, after: int = 0, batch: int = 10_000) -> Iterator[tuple[Interaction, ...]]:
        """What counted when the log stood at ``position``, ascending by position, in batches; for the pipeline."""
        ...


class Histories(Protocol):
    """What people did, for their embeddings."""

    def decisions(self, *, up_to: int) -> tuple[Interaction, ...]:
        """Each NOT_INTERESTED that counts at a position, with the person's likes of the same post, by position.

        A reader that begins after that position needs them: no bundle holds what does not interest a person.
        """
        ...

    def history(self, username: str, *, up_to: int | None = None, after: int = 0) -> PersonHistory | None:
        """One person's history as of position ``up_to`` (None: now), beyond a bundle of position ``after``.

        None if the store knows nothing about the name and nothing departed under it.
        """
        ...

    def histories(
        self, usernames: Iterable[str], *, up_to: int | None = None, after: int = 0
    ) -> Mapping[str, PersonHistory]:
        """The same for many people at once; names that ``history`` answers with None are left out."""
        ...


class ServedLog(Protocol):
    """What people were shown, for those who asked to have it remembered."""

    def remember_served(
        self, username: str, post_ids: Sequence[int], *, shown_at_ms: int, feed_id: str | None = None
    ) -> int:
        """Keep durably that a person was shown these posts; gives the position of the entry."""
        ...

    def claim_served(
        self, username: str, post_ids: Sequence[int], *, shown_at_ms: int, feed_id: str, read_up_to: int
    ) -> Claim:
        """The same, unless another feed has shown the person one of the posts after position ``read_up_to``.

        Answers of one feed have the first 16 characters of ``feed_id`` in common. Of two calls that claim the same post
        at the same moment, through whichever processes, one gets it.
        """
        ...

    def served_pages(self, username: str, *, since_ms: int) -> tuple[PostsServed, ...]:
        """What a person was shown at ``since_ms`` or later and has remembered, ascending by position."""
        ...

    def all_served(self, *, up_to: int, since_ms: int) -> tuple[PostsServed, ...]:
        """The same of everybody, of the rows up to a position."""
        ...

    def served(self, username: str, *, since_ms: int, up_to: int | None = None) -> frozenset[int]:
        """The ids of the posts shown to a person at ``since_ms`` or later, as of position ``up_to`` (None: now)."""
        ...


class PersonalData(Protocol):
    """A person's data: given out, deleted, merged, expired."""

    def person_key(self, username: str) -> bytes:
        """The keyed hash that stands for a name where the name itself may not be kept; 16 bytes."""
        ...

    def departures(self) -> Mapping[bytes, int]:
        """The key of each name that was deleted or merged into another, and the position at which it was last."""
        ...

    def merged_names(self) -> Mapping[str, str]:
        """The name that each merged name was merged into, for names that had not departed before."""
        ...

    def export_person(self, username: str) -> PersonExport | None:
        """Everything that is kept about a person; None if nothing is."""
        ...

    def delete_person(self, username: str) -> int:
        """Delete a person's rows and name, durably; gives the position of the PersonDeleted entry.

        Also of a name that the store does not know, because a bundle may hold it. Event ids stay as keyed hashes.
        """
        ...

    def merge_people(self, merged: str, *, into: str) -> int:
        """Make all rows of one person another's; gives the position of the PeopleMerged entry.

        Either may be unknown. ValueError if both are the same name.
        """
        ...

    def expire(self, *, before_ms: int) -> int:
        """Delete interactions and served posts that happened before a moment; gives the number of deleted rows.

        Event ids stay as keyed hashes. Deletes in short transactions, so that writers go on.
        """
        ...


class Posts(Protocol):
    """Posts since the bundle, and their embeddings."""

    def upsert_posts(self, posts: Sequence[NewPost]) -> tuple[int, tuple[int, ...]]:
        """Keep posts durably, all of them or none; gives the position of the last entry and the id of each post.

        A post without an id has the id of the post that came last with its ``external_id``, also if it was deleted
        since, or else a new one. InvalidPostError for a post that no row can hold.
        """
        ...

    def delete_posts(self, post_ids: Sequence[int]) -> int:
        """Delete posts durably, also such as the store does not know; gives the position of the last entry."""
        ...

    def post_revisions(self, *, after: int = 0) -> tuple[PostRevision, ...]:
        """The newest revision of each post that was upserted or deleted after a position, ascending by position."""
        ...

    def posts_by_id(self, post_ids: Sequence[int]) -> Mapping[int, PostRevision]:
        """The newest revision of each of these posts, without those that the store does not know."""
        ...

    def posts_called(self, external_ids: Collection[str]) -> tuple[int, ...]:
        """The ids of the posts that have one of these external ids, or had it when they were deleted, ascending."""
        ...

    def keep_embeddings(self, bundle_id: str, embeddings: Sequence[PostEmbedding]) -> int:
        """Keep embeddings of posts for a bundle durably; gives the position of the entry, 0 if there was none.

        Embeddings that are there already, and those of revisions that were replaced, are left out.
        """
        ...

    def embeddings(self, bundle_id: str, *, after: int = 0) -> tuple[PostEmbedding, ...]:
        """The embeddings of the newest revision of each post for a bundle, of revisions after a position."""
        ...

    def forget_embeddings(self, *, but_of: Iterable[str]) -> int:
        """Delete the embeddings of all bundles but these; gives the number of embeddings deleted."""
        ...


class Rules(Protocol):
    """The operators' rules."""

    def set_rule(self, rule: Rule) -> int:
        """Keep a rule durably, in place of one of the same name; gives the position of the entry. InvalidPostError."""
        ...

    def delete_rule(self, name: str) -> int | None:
        """Delete a rule; gives the position of the entry, None if there is no rule of the name."""
        ...

    def rules(self) -> tuple[Rule, ...]:
        """All rules, ascending by name."""
        ...


class Store(InteractionLog, Histories, ServedLog, PersonalData, Posts, Rules, Protocol):
    """Everything that the store does for a process."""

    def close(self) -> None:
        """Close the connections. Nothing is lost: what was answered is durable."""
        ...
