"""`moodfeed watch`: a feed that changes on the screen as its reader likes posts."""

import os
import select
import signal
import sys
import termios
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.live import Live

from bundle.stand_in_titles import read_stand_in_titles
from cli.feed_commands import BundlesOption
from cli.gateway_access import (
    DEFAULT_GATEWAY,
    AuthorityOption,
    CertificateOption,
    GatewayAccess,
    GatewayOption,
    KeyOption,
    client_tls,
)
from cli.gateway_calls import CallRefusedError
from cli.live_feed import Asked, LiveFeed, Shown
from cli.progress import console, error_console
from cli.run_command import stop_as_ctrl_c_does
from cli.terminal_text import plain, printable, typed
from cli.watch_screen import lines, screen
from cli.watch_typing import Command, Do, Quit, TypedLine, Undo, read_command


def watch(
    username: Annotated[str, typer.Argument(help="Whose feed to watch; an unknown user gets a starting feed.")],
    category: Annotated[int | None, typer.Option(help="Only posts of this category.")] = None,
    mood: Annotated[str, typer.Option(help="Words, emoji or both.")] = "",
    page_size: Annotated[int, typer.Option(min=1, max=100, help="Number of posts to show.")] = 10,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two refreshes of the feed.")] = 1.0,
    bundles: BundlesOption = Path("bundles"),
    address: GatewayOption = DEFAULT_GATEWAY,
    authority: AuthorityOption = None,
    certificate: CertificateOption = None,
    key: KeyOption = None,
) -> None:
    """Show a feed and change it by liking and skipping, until Ctrl-C; in a pipe, print it again after each change.

    In a terminal, `l3` and Enter likes the third post, `s3` skips it, `n3` marks it as not interesting, `u` undoes, `q`
    quits. A token, if the gateway needs one, goes in MOODFEED_API_TOKEN.
    """
    signal.signal(signal.SIGTERM, stop_as_ctrl_c_does)
    asked = Asked(typed(username), category, typed(mood), page_size)
    gateway = GatewayAccess.from_environment(address, client_tls(authority, certificate, key))
    try:
        with LiveFeed(gateway) as live:
            watching = _Watching(live, asked, bundles)
            watching.look()  # a gateway that refuses at the start ends the command
            if sys.stdout.isatty() and sys.stdin.isatty():
                _on_screen(watching, every)
            else:
                _in_a_pipe(watching, every)
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:  # nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@dataclass(slots=True)
class _Watching:
    """The feed that is shown, the one before it, and what its reader has done."""

    live: LiveFeed
    asked: Asked
    bundles: Path
    shown: Shown | None = None
    before: tuple[int, ...] = ()
    said: str = ""
    done: list[str] = field(default_factory=list)  # event ids, the newest last
    titles: dict[int, str] = field(default_factory=dict)
    titles_of: str = ""  # the bundle that they are of

    def look(self) -> bool:
        """Read the feed again; whether it has changed. Raises CallRefusedError."""
        shown = self.live.read(self.asked)
        if self.shown is not None and _content(shown) == _content(self.shown):
            return False
        if self.shown is not None:
            self.before = self.shown.post_ids
        self.shown = shown
        if shown.feed.bundle_id != self.titles_of:
            self.titles = dict(read_stand_in_titles(self.bundles / shown.feed.bundle_id))
            self.titles_of = shown.feed.bundle_id
        return True

    def follow(self, command: Command) -> None:
        """Do what was typed, and say it. Raises CallRefusedError."""
        match command:
            case Do(deed, number) if self.shown is not None:
                posts = self.shown.feed.posts
                if not 1 <= number <= len(posts):
                    self.said = f"there is no post {number}"
                    return
                post = posts[number - 1]
                event = self.live.do(self.asked.username, deed, post.post_id, feed_id=self.shown.feed.feed_id)
                self.done.append(event)
                self.said = f"{deed.value}: post {post.post_id}"
            case Undo() if self.done:
                self.live.take_back(self.asked.username, self.done.pop())
                self.said = "taken back"
            case Undo():
                self.said = "there is nothing left to take back"
            case _:
                self.said = "unknown command: type l3, s3, n3, u or q"


def _content(shown: Shown) -> object:
    """What makes one feed differ from another for its reader."""
    posts = [(post.post_id, post.score, post.ranking_score) for post in shown.feed.posts]
    return posts, shown.feed.ranking, shown.feed.bundle_id, shown.is_stranger, len(shown.feed.degradations)


def _on_screen(watching: _Watching, every: float) -> None:
    line, fd = TypedLine(), sys.stdin.fileno()

    def drawn() -> RenderableType:
        return screen(
            watching.shown,
            watching.before,
            categories=watching.live.categories(),
            stand_ins=watching.titles,
            said=watching.said,
            typed=line.text,
        )

    with _keys(fd), Live(console=console, screen=True, auto_refresh=False) as shown:
        shown.update(drawn(), refresh=True)
        next_look = time.monotonic() + every
        while True:
            ready, _, _ = select.select([fd], [], [], max(0.0, next_look - time.monotonic()))
            try:
                if ready:
                    sent = os.read(fd, 1024)
                    for command in map(read_command, line.take(sent.decode(errors="replace")) if sent else ["q"]):
                        if isinstance(command, Quit):
                            return
                        watching.follow(command)
                        watching.look()
                else:
                    next_look = time.monotonic() + every
                    watching.look()
            except CallRefusedError as error:
                watching.said = str(error)
            shown.update(drawn(), refresh=True)


@contextmanager
def _keys(fd: int) -> Iterator[None]:
    """Get each key as it is pressed, without its echo; Ctrl-C stays what it is."""
    before = termios.tcgetattr(fd)
    tty.setcbreak(fd)
    try:
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


def _in_a_pipe(watching: _Watching, every: float) -> None:
    has_changed, is_away = True, False
    reader = select.poll()
    reader.register(sys.stdout.fileno(), 0)  # an error alone is heard of: that nobody reads any more
    while True:
        if has_changed and watching.shown is not None:
            print("\n".join(lines(watching.shown, stand_ins=watching.titles)), end="\n\n", flush=True)
        if reader.poll(every * 1000):
            return
        try:
            has_changed, is_away = watching.look(), False
        except CallRefusedError as error:
            has_changed = False
            if not is_away:
                error_console.print(plain(printable(f"{error}; trying again")), soft_wrap=True)
            is_away = True
