"""The operators' rules as searches apply them: which ones count, as of a position of the log and at a moment."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from post_index_service.codes import Rows
from post_index_service.live_segment import FOR_EVER
from store.log_entries import RuleDeleted, RuleSet
from store.rules import Rule


@dataclass(frozen=True, slots=True)
class RuleVersion:
    """A rule as it was from one position of the log until another, with the rows of the bundle that it names.

    ``rows`` int64 ascend.
    """

    rule: Rule
    rows: Rows
    since: int
    until: int = FOR_EVER

    def counts(self, *, position: int, moment_ms: int, category_id: int | None) -> bool:
        """Whether it counts in feeds of a category, or in those of all categories."""
        rule = self.rule
        return (
            self.since <= position < self.until
            and (rule.feed_category_id is None or rule.feed_category_id == category_id)
            and (rule.starts_at_ms is None or rule.starts_at_ms <= moment_ms)
            and (rule.ends_at_ms is None or moment_ms < rule.ends_at_ms)
        )


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All versions of all rules that searches may still ask for, ascending by name."""

    versions: tuple[RuleVersion, ...] = ()

    def counting(self, *, position: int, moment_ms: int, category_id: int | None) -> tuple[RuleVersion, ...]:
        """The rules that count, ascending by name."""
        return tuple(
            version
            for version in self.versions
            if version.counts(position=position, moment_ms=moment_ms, category_id=category_id)
        )

    def after(self, entry: RuleSet | RuleDeleted, rows_of: Callable[[Rule], Rows]) -> "RuleBook":
        """With what an entry of the log changes."""
        versions = [
            replace(version, until=entry.position)
            if version.rule.name == entry.name and version.until == FOR_EVER
            else version
            for version in self.versions
        ]
        if isinstance(entry, RuleSet) and entry.rule is not None:
            versions.append(RuleVersion(entry.rule, rows_of(entry.rule), entry.position))
        return RuleBook(tuple(sorted(versions, key=lambda version: version.rule.name)))

    def has_those_before(self, position: int) -> bool:
        """Whether a version was replaced or deleted at a position or before it."""
        return any(version.until <= position for version in self.versions)

    def without_those_before(self, position: int) -> "RuleBook":
        """Without the versions that were replaced or deleted at a position or before it."""
        return RuleBook(tuple(version for version in self.versions if version.until > position))


def rule_book(rules: Iterable[Rule], rows_of: Callable[[Rule], Rows], *, since: int) -> RuleBook:
    """Rules that have been there since a position at the latest."""
    return RuleBook(
        tuple(RuleVersion(rule, rows_of(rule), since) for rule in sorted(rules, key=lambda rule: rule.name))
    )
