"""`moodfeed moods`: what a typed mood is understood as, its nearest posts, and why; from a bundle on disk."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from bundle.directory import Bundle, current_bundle, open_bundle
from bundle.index_posts import IndexPosts
from bundle.stand_in_titles import read_stand_in_titles
from cli.feed_commands import BundlesOption
from cli.progress import console
from cli.terminal_text import plain, typed
from mood_encoder.mood_families import FAMILIES
from mood_encoder.mood_reader import MoodReader
from mood_encoder.mood_space import MeantMood
from mood_encoder.mood_space_file import read_mood_space

_LONGEST_MOOD = 512  # code points, as the services have it
_LONGEST_TITLE = 48
_FAMILIES_OF_A_POST = 2
_PROMPT = "mood> "


def moods(
    mood: Annotated[list[str] | None, typer.Argument(help="The mood; without one, each line typed is one.")] = None,
    posts: Annotated[int, typer.Option(min=0, max=100, help="Number of nearest posts to show.")] = 10,
    bundles: BundlesOption = Path("bundles"),
) -> None:
    """Show what a mood is understood as, its nearest posts in the current bundle, and why. Needs no running service."""
    bundle = open_bundle(current_bundle(bundles))
    shown = _Moods(bundle, posts)
    for text in [typed(" ".join(mood))] if mood else _typed_lines():
        if len(text) > _LONGEST_MOOD:
            typer.echo(f"error: mood has {len(text)} code points, at most {_LONGEST_MOOD} are allowed", err=True)
            if mood:
                raise typer.Exit(1)
        elif text.strip():
            shown.show(text)


def _typed_lines() -> Iterator[str]:
    """Lines of standard input, with a prompt on a terminal."""
    while True:
        if sys.stdin.isatty():
            typer.echo(_PROMPT, nl=False)
        line = sys.stdin.readline()
        if not line:
            return
        yield typed(line.rstrip("\n"))


class _Moods:
    """Shows moods of one bundle."""

    def __init__(self, bundle: Bundle, count: int) -> None:
        from mood_encoder.openvino_encoder import OpenVinoEncoder

        self._reader = MoodReader(OpenVinoEncoder.read(bundle), read_mood_space(bundle))
        self._index = IndexPosts.read(bundle)
        self._titles = read_stand_in_titles(bundle.directory)
        self._count = count

    def show(self, text: str) -> None:
        """Print what a mood means, and its nearest posts."""
        (meant,) = self._reader.read([text])
        console.print(plain(f"mood        {text}"))
        for name, told in _meaning(meant):
            console.print(plain(f"{name:<12}{told}"), soft_wrap=True)
        if meant.vector is not None and self._count:
            console.print(self._nearest(meant.vector))

    def _nearest(self, vector: np.ndarray) -> Table:
        closeness = self._index.text_embeddings.astype(np.float32) @ vector
        table = Table(box=SIMPLE_HEAD, title="Nearest posts")
        for name in ("post", "title", "closeness", "by mood", "by words", "its mood"):
            table.add_column(name, justify="right" if name in {"closeness", "by mood", "by words"} else "left")
        for row in np.lexsort((self._index.post_ids, -closeness))[: self._count].tolist():
            post_vector = self._index.text_embeddings[row].astype(np.float32)
            by_mood = self._reader.space.mood_share(vector, post_vector)
            post = self._index.posts[row]
            title = post.title or self._titles.get(post.post_id, "")
            table.add_row(
                str(post.post_id),
                plain(title if len(title) <= _LONGEST_TITLE else f"{title[: _LONGEST_TITLE - 1]}…"),
                f"{closeness[row]:.2f}",
                f"{by_mood:.2f}",
                f"{closeness[row] - by_mood:.2f}",
                _families_of_post(self._reader.space.families_of(post_vector)),
            )
        return table


def _meaning(meant: MeantMood) -> Iterator[tuple[str, str]]:
    """Lines that tell what a mood was understood as, each with its name."""
    understood = meant.understood
    if meant.vector is None:
        yield "understood", "as nothing: the text says nothing about a mood, so the feed is that of no mood"
        return
    yield "wanted", _weights(meant.wanted) or "nothing in particular"
    if understood.avoided:
        yield "avoided", _weights(understood.avoided)
    if meant.wanted:
        total = sum(meant.wanted.values())
        valence, arousal = (
            sum(getattr(FAMILIES[name], what) * weight for name, weight in meant.wanted.items()) / total
            for what in ("valence", "arousal")
        )
        yield "valence", f"{valence:+.2f}, arousal {arousal:+.2f} (-1 to 1)"
    yield "language", understood.language or "not told by the words: the learned head estimates the mood"
    for text, families, is_avoided in understood.found:
        yield "because", f"{text}: {' and '.join(families)}{', avoided' if is_avoided else ''}"
    if understood.words:
        yield "words", understood.words


def _weights(weights: Mapping[str, float]) -> str:
    return ", ".join(f"{name} ({weight:.2g})" for name, weight in sorted(weights.items(), key=lambda each: -each[1]))


def _families_of_post(families: Mapping[str, float]) -> str:
    nearest = list(families.items())[:_FAMILIES_OF_A_POST]
    return ", ".join(f"{name} {nearness:.2f}" for name, nearness in nearest) or "no mood"
