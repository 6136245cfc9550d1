"""Shows feeds: as tables for people, as JSON for programs."""

from collections.abc import Mapping, Sequence

from google.protobuf.json_format import MessageToJson
from rich.table import Table
from rich.text import Text

from cli.terminal_text import plain
from moodfeed.feed.v1 import feed_pb2

_LONGEST = {"external id": 24, "category": 44, "title": 48, "owner": 44}  # characters; the whole text is in --json


Category = feed_pb2.Category


def feed_table(
    feed: feed_pb2.GetFeedResponse,
    *,
    title: str,
    categories: Sequence[feed_pb2.Category] = (),
    stand_ins: Mapping[int, str] | None = None,
) -> Table:
    """A feed for a person to read, 80 columns wide or wider.

    A category that is not among ``categories`` is shown by its id, a post without a title by its text in ``stand_ins``.
    External ids are shown if a post has one. The last column is the number by which the feed is sorted.
    """
    names = {category.category_id: category.name for category in categories}
    has_external_ids = any(post.external_id for post in feed.posts)
    is_by_score = feed.ranking in {feed_pb2.RANKING_USER, feed_pb2.RANKING_TRENDING}
    table = Table(title=plain(title), title_justify="left", caption=_caption(feed), caption_justify="left")
    headings = ["#", "post", *(["external id"] if has_external_ids else []), "category", "title", "owner"]
    for heading in [*headings, "score" if is_by_score else "ranking"]:
        if heading in _LONGEST:
            table.add_column(heading, overflow="ellipsis")
        else:
            table.add_column(heading, justify="right", no_wrap=True)
    for number, post in enumerate(feed.posts, start=1):
        table.add_row(
            str(number),
            str(post.post_id),
            *([_cut(post.external_id, _LONGEST["external id"])] if has_external_ids else []),
            _cut(names.get(post.category_id) or str(post.category_id or "–"), _LONGEST["category"]),
            _title(post, (stand_ins or {}).get(post.post_id, "")),
            _cut(post.owner_username, _LONGEST["owner"]),
            f"{post.score if is_by_score else post.ranking_score:.3f}",
        )
    return table


def _title(post: feed_pb2.FeedPost, stand_in: str) -> Text:
    """The title; if there is none, the substitute, dimmed."""
    if title := " ".join(post.title.split()):
        return _cut(title, _LONGEST["title"])
    text = _cut(stand_in or "(no title)", _LONGEST["title"])
    text.stylize("dim italic")
    return text


def _cut(text: str, longest: int) -> Text:
    return plain(text if len(text) <= longest else text[: longest - 1] + "…")


def feed_json(feed: feed_pb2.GetFeedResponse) -> str:
    """A feed for a program to read: protobuf's JSON with the contract's field names."""
    return MessageToJson(feed, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def _caption(feed: feed_pb2.GetFeedResponse) -> str:
    more = "more pages follow" if feed.next_page_token else "last page"
    lacks = "".join(f", without {degradation.stage} ({degradation.reason})" for degradation in feed.degradations)
    approximate = ", approximate" if feed.approximate else ""
    return f"{feed_pb2.Ranking.Name(feed.ranking)}, bundle {feed.bundle_id[:12]}, {more}{lacks}{approximate}"
