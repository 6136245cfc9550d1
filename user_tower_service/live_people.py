"""What one person did, as a tower keeps it in memory beside the bundle, and as it stood at a position of the log."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from store.interactions import Interaction, Verb
from store.people import MergedName
from user_tower_service.shown_posts import ShownPage

MOST_NOT_INTERESTED = 10_000
_DECIDES = frozenset({Verb.NOT_INTERESTED, Verb.LIKE, Verb.INSPIRE})
"""The verbs that say whether a person wants to see a post; the last one counts."""


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """An interaction without what no feed needs; ``counts_at`` as in store.interactions.Interaction."""

    position: int
    since: int
    verb: Verb
    post_id: int | None
    external_id: str | None
    moment: int  # milliseconds since 1970
    rating_percent: int | None
    taken_back_at: int | None

    @classmethod
    def of(cls, interaction: Interaction) -> "LiveEvent":
        """The same, shorter."""
        return cls(
            interaction.position,
            interaction.since,
            interaction.verb,
            interaction.post_id,
            interaction.external_id,
            interaction.occurred_at_ms,
            interaction.rating_percent,
            interaction.taken_back_at,
        )

    def counts_at(self, position: int) -> bool:
        """Whether the person had done this, and not taken it back, when the log stood at ``position``."""
        return self.since <= position and (self.taken_back_at is None or self.taken_back_at > position)


@dataclass(frozen=True, slots=True)
class EarlierEvent:
    """An event that a bundle may hold, and which was taken back at ``taken_back_at``."""

    position: int
    taken_back_at: int
    verb: Verb
    post_id: int | None


@dataclass(slots=True)
class LivePerson:
    """All that is known about one name beyond the bundle.

    One thread writes, many read: the lists grow at their ends or are replaced, and their items never change.
    ``touched_at`` is the position of the last entry of the log that concerned the person, set before it is applied.
    ``newest`` is their view as of a position that is not below it: a view of now is the same, whatever others do.
    """

    touched_at: int = 0
    newest: "PersonView | None" = None
    events: list[LiveEvent] = field(default_factory=list)
    taken_back: list[EarlierEvent] = field(default_factory=list)
    merged: tuple[MergedName, ...] = ()
    shown: list[ShownPage] = field(default_factory=list)


def without_what_bundles_hold(person: LivePerson, base: int, *, shown_since: int) -> bool:
    """Let go of what bundles made with the log up to ``base`` hold; whether anything is left.

    An event that was taken back later than that stays as an earlier one, because such a bundle holds it; so do the
    events that decide whether a post interests, because no bundle holds that.
    """
    hidden = {event.post_id for event in person.events if event.verb is Verb.NOT_INTERESTED}
    earlier = [taken for taken in person.taken_back if taken.taken_back_at > base]
    kept = []
    for event in person.events:
        if event.taken_back_at is not None and event.taken_back_at <= base:
            continue
        if event.position > base or (event.verb in _DECIDES and event.post_id in hidden):
            kept.append(event)
        elif event.taken_back_at is not None:
            earlier.append(EarlierEvent(event.position, event.taken_back_at, event.verb, event.post_id))
    person.events, person.taken_back = kept, earlier
    person.merged = tuple(name for name in person.merged if name.position > base)
    person.shown = [page for page in person.shown if page.moment >= shown_since]
    person.newest = None
    return bool(person.events or person.taken_back or person.merged or person.shown)


@dataclass(frozen=True, slots=True)
class PersonView:
    """A person as of a position: the events that counted, in the order in which they happened.

    ``changed_at`` is the position of the last change up to there, 0 if there is none: two views of a person with the
    same ``changed_at`` are equal. ``departed_at`` is the last position at which the name was deleted or merged into
    another; what a bundle made before it holds under the name is not this person's. ``withheld_post_ids`` are those of
    posts that have become not interesting since. ``shown`` is what is remembered of what the person was shown up to
    ``read_up_to``, which is not below ``position``.
    """

    position: int
    events: Sequence[LiveEvent] = ()
    taken_back: Sequence[EarlierEvent] = ()
    merged: Sequence[MergedName] = ()
    departed_at: int = 0
    changed_at: int = 0
    not_interested_post_ids: tuple[int, ...] = ()
    withheld_post_ids: tuple[int, ...] = ()
    shown: Sequence[ShownPage] = ()
    read_up_to: int = 0

    @property
    def is_of_bundle(self) -> bool:
        """Whether the log knows nothing about the person, so that they are as a bundle has them."""
        return not (self.changed_at or self.departed_at or self.withheld_post_ids)


def view_of(person: LivePerson, *, departed_at: int, now: int, as_of: int | None) -> PersonView:
    """The person as of ``as_of``, or as of ``now``, up to which the log has been read, if it is None."""
    position = now if as_of is None else min(as_of, now)
    newest = person.newest
    if newest is not None and position == now and person.touched_at <= newest.position <= now:
        return newest if newest.position == now else replace(newest, position=now, read_up_to=now)
    touched_at = person.touched_at  # before the events: if it moves meanwhile, the view is not kept
    events = [event for event in person.events[:] if event.position > departed_at]
    shown = [page for page in person.shown[:] if departed_at < page.since <= now]
    view = _at(person, events, position=position, departed_at=departed_at)
    view = replace(view, shown=shown, read_up_to=now)
    if position == now:
        if touched_at <= now and departed_at <= now:
            person.newest = view
        return view
    hidden_now = set(_not_interested([event for event in events if event.counts_at(now)]))
    withheld = hidden_now - set(view.not_interested_post_ids)
    return replace(view, withheld_post_ids=tuple(sorted(withheld)))


def _at(person: LivePerson, events: Sequence[LiveEvent], *, position: int, departed_at: int) -> PersonView:
    counting = sorted(
        (event for event in events if event.counts_at(position)), key=lambda event: (event.moment, event.position)
    )
    taken_back = [event for event in person.taken_back[:] if event.taken_back_at <= position]
    taken_back += [
        EarlierEvent(event.position, event.taken_back_at, event.verb, event.post_id)
        for event in events
        if event.taken_back_at is not None and event.taken_back_at <= position
    ]
    merged = [name for name in person.merged if departed_at < name.position <= position]
    changes = [
        departed_at if departed_at <= position else 0,
        *(event.since for event in events),
        *(event.taken_back_at for event in events if event.taken_back_at is not None),
        *(event.taken_back_at for event in taken_back),
        *(name.position for name in merged),
    ]
    return PersonView(
        position=position,
        events=counting,
        taken_back=taken_back,
        merged=merged,
        departed_at=departed_at,
        changed_at=max((change for change in changes if change <= position), default=0),
        not_interested_post_ids=_not_interested(counting),
    )


def _not_interested(events: Sequence[LiveEvent]) -> tuple[int, ...]:
    """The ids of the posts whose last decision is that they do not interest; the newest MOST_NOT_INTERESTED."""
    last = {
        event.post_id: event.verb
        for event in sorted(events, key=lambda event: (event.moment, event.position))
        if event.verb in _DECIDES and event.post_id is not None
    }
    hidden = [post_id for post_id, verb in last.items() if verb is Verb.NOT_INTERESTED]
    return tuple(sorted(hidden[-MOST_NOT_INTERESTED:]))
