"""How a watched feed looks: a table that says how far each post has moved, and as lines for a pipe."""

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.live_feed import Shown
from cli.terminal_text import plain, printable
from cli.watch_typing import HELP
from moodfeed.feed.v1 import feed_pb2

_LONGEST_TITLE, _LONGEST_CATEGORY = 48, 24


def screen(
    shown: Shown | None,
    before: Sequence[int],
    *,
    categories: Sequence[feed_pb2.Category] = (),
    stand_ins: Mapping[int, str] | None = None,
    said: str = "",
    typed: str = "",
) -> RenderableType:
    """The whole screen; ``before`` are the posts of the feed that was shown before this one."""
    parts: list[RenderableType] = []
    if shown is not None:
        parts.append(_table(shown, before, categories, stand_ins or {}))
    prompt = Text.assemble("> ", plain(typed), ("▏", "blink"))
    return Group(*parts, plain(said), Text(HELP, style="dim"), prompt)


def _table(
    shown: Shown, before: Sequence[int], categories: Sequence[feed_pb2.Category], stand_ins: Mapping[int, str]
) -> Table:
    names = {category.category_id: category.name for category in categories}
    table = Table(title=plain(title_of(shown)), title_justify="left", caption=_caption(shown), caption_justify="left")
    for heading in ("#", "moved", "post"):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("category", "title"):
        table.add_column(heading, overflow="ellipsis", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    for number, post in enumerate(shown.feed.posts, start=1):
        table.add_row(
            str(number),
            moved(post.post_id, number, before),
            str(post.post_id),
            plain((names.get(post.category_id) or str(post.category_id or "–"))[:_LONGEST_CATEGORY]),
            plain(_title(post, stand_ins)[:_LONGEST_TITLE]),
            f"{post.score:.3f}",
        )
    return table


def moved(post_id: int, number: int, before: Sequence[int]) -> str:
    """``+2`` for a post that has risen by two, ``-1`` for one that has sunk, ``new``; empty for no change."""
    if not before:
        return ""
    if post_id not in before:
        return "new"
    risen = before.index(post_id) + 1 - number
    return f"{risen:+}" if risen else ""


def title_of(shown: Shown) -> str:
    """What the feed is."""
    if shown.is_stranger:
        return f"{shown.asked.username} is unknown so far; posts to begin with: {shown.asked}"
    return f"Feed of {shown.asked}"


def _caption(shown: Shown) -> str:
    left_out = "".join(f", without {degradation.stage}" for degradation in shown.feed.degradations)
    return (
        f"{feed_pb2.Ranking.Name(shown.feed.ranking)}, position {shown.feed.position}, "
        f"bundle {shown.feed.bundle_id[:12]}{left_out}"
    )


def _title(post: feed_pb2.FeedPost, stand_ins: Mapping[int, str]) -> str:
    return " ".join(post.title.split()) or stand_ins.get(post.post_id, "") or "(no title)"


def lines(shown: Shown, *, stand_ins: Mapping[int, str] | None = None) -> list[str]:
    """The feed for a pipe: a line that begins with ``#``, then number, post_id and title of each post, with tabs."""
    head = f"# {printable(title_of(shown))}; {_caption(shown)}"
    return [head] + [
        f"{number}\t{post.post_id}\t{printable(_title(post, stand_ins or {}))}"
        for number, post in enumerate(shown.feed.posts, start=1)
    ]
