"""A stranger becomes known within three likes: `make demo-live` shows it on the running product, or starts one.

The person of the demonstration is invented for it, and deleted again at its end.
"""

import argparse
import os
import secrets
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bundle.stand_in_titles import read_stand_in_titles
from cli.feed_table import feed_table
from cli.file_faults import fault_of_a_file
from cli.gateway_access import GatewayAccess
from cli.gateway_calls import CallRefusedError
from cli.live_feed import Asked, Deed, LiveFeed, Shown
from cli.progress import console
from cli.run_command import has_current_bundle, make_bundle_in_a_child
from cli.stack import STORE_FILE, Addresses, running_stack
from cli.starting import StackError
from cli.terminal_text import plain
from cli.watch_screen import moved
from rpc.probe import is_serving

LIKES = 3
ADMIN_TOKEN = "MOODFEED_ADMIN_TOKEN"  # noqa: S105 - the name of a variable


class Demo:
    """One invented person, and what is shown of their feed."""

    def __init__(self, live: LiveFeed, username: str, bundles: Path) -> None:
        self._live = live
        self._asked = Asked(username)
        self._bundles = bundles
        self._names = {category.category_id: category.name for category in live.categories()}
        self._events: list[str] = []

    def show(self) -> None:
        """All of it; CallRefusedError if the gateway refuses."""
        before = self._live.read(self._asked)
        if not before.is_stranger:
            raise CallRefusedError("ALREADY_EXISTS", f"{self._asked.username} is known already: run it again")
        say(f"1. {self._asked.username} is a stranger: without a category and a mood, the answer is NOT_FOUND.")
        self._table(before, f"What a stranger may ask for: {before.asked}")
        liked: list[int] = []
        shown = before
        for number in range(1, LIKES + 1):
            post_id = next(post.post_id for post in shown.feed.posts if post.post_id not in liked)
            liked.append(post_id)
            after = self._like(post_id, shown)
            self._say_what_changed(number, post_id, shown, after)
            shown = after
        self._table(shown, f"The feed of {self._asked.username} after {LIKES} likes, with no category and no mood")
        self._not_interested(shown)

    def _like(self, post_id: int, shown: Shown) -> Shown:
        started = time.perf_counter()
        self._events.append(self._live.do(self._asked.username, Deed.LIKE, post_id, feed_id=shown.feed.feed_id))
        written = time.perf_counter()
        after = self._live.read(self._asked)
        read = time.perf_counter()
        say(
            f"\n   liked post {post_id}: durable at position {self._live.position} after "
            f"{1000 * (written - started):.0f} ms; the next feed, of position {after.feed.position}, came "
            f"{1000 * (read - written):.0f} ms later."
        )
        return after

    def _say_what_changed(self, number: int, post_id: int, before: Shown, after: Shown) -> None:
        if number == 1:
            say(f"2. One like, and {self._asked.username} is known: a feed of their own, over all categories.")
        moves = [moved(post, place, before.post_ids) for place, post in enumerate(after.post_ids, start=1)]
        changed = sum(1 for move in moves if move)
        is_shown = post_id in after.post_ids
        where = "has moved behind the others" if is_shown else "is not on the first page any more"
        say(f"   {changed} of {len(moves)} places differ, {moves.count('new')} posts are new; post {post_id} {where}.")
        say(f"   categories of the feed: {self._categories(after)}")

    def _categories(self, shown: Shown) -> str:
        counts = Counter(post.category_id for post in shown.feed.posts)
        return ", ".join(f"{self._names.get(category, category)} {count}" for category, count in counts.most_common())

    def _not_interested(self, shown: Shown) -> None:
        post_id = shown.post_ids[0]
        self._events.append(self._live.do(self._asked.username, Deed.NOT_INTERESTED, post_id))
        after = self._live.read(self._asked)
        gone = "has left the feed" if post_id not in after.post_ids else "is still in the feed"
        say(f"\n3. Not interested in post {post_id}: it {gone}.")

    def _table(self, shown: Shown, title: str) -> None:
        stand_ins: Mapping[int, str] = read_stand_in_titles(self._bundles / shown.feed.bundle_id)
        console.print(feed_table(shown.feed, title=title, categories=self._live.categories(), stand_ins=stand_ins), "")

    def leave(self) -> None:
        """Delete the person, or take everything back where only an operator may delete; the person is unknown again."""
        try:
            self._live.delete_person(self._asked.username, admin_token=os.environ.get(ADMIN_TOKEN, ""))
            done = "is deleted"
        except CallRefusedError as refusal:
            for event_id in self._events:
                self._live.take_back(self._asked.username, event_id)
            done = f"has taken everything back, because only an operator may delete ({refusal})"
        is_unknown = self._live.read(self._asked).is_stranger
        say(f"\n4. {self._asked.username} {done}, and {'unknown again' if is_unknown else 'STILL KNOWN'}.")


def say(text: str) -> None:
    """Print a line as it is; one that begins with a line break after an empty one."""
    if text.startswith("\n"):
        console.print()
    console.print(plain(text.lstrip("\n")), soft_wrap=True, highlight=False)


@contextmanager
def running_product(addresses: Addresses, *, bundles: Path, data: Path) -> Iterator[None]:
    """The product that runs already, or one of our own, with a bundle of the sample data if there is none."""
    if is_serving(addresses.gateway_grpc, timeout_seconds=2):
        say(f"Using the product that runs at {addresses.gateway_grpc}.")
        yield
        return
    if not has_current_bundle(bundles):
        make_bundle_in_a_child(data, bundles)
    say(f"Nothing runs at {addresses.gateway_grpc}: starting the three processes.")
    with running_stack(
        bundles, addresses, logs=data / "logs", say=say, store=data / STORE_FILE, is_for_one_person=True
    ):
        yield


def main() -> int:
    """Show it; the exit code is 0 if all of it worked, 1 with one line if not."""
    parser = argparse.ArgumentParser(description="Show how a stranger becomes known within three likes.")
    parser.add_argument("--bundles", type=Path, default=Path(os.environ.get("MOODFEED_BUNDLES", "bundles")))
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MOODFEED_DATA", "data")))
    options = parser.parse_args()
    addresses = Addresses.from_environment(os.environ)
    try:
        with (
            running_product(addresses, bundles=options.bundles, data=options.data),
            LiveFeed(GatewayAccess.from_environment(addresses.gateway_grpc, None)) as live,
        ):
            demo = Demo(live, f"demo-{secrets.token_hex(4)}", options.bundles)
            try:
                demo.show()
            finally:
                demo.leave()
            say("\nTry it yourself while `make run` is running: .venv/bin/moodfeed watch YOUR_NAME")
    except (CallRefusedError, StackError) as error:
        console.print(plain(f"error: {error}"), soft_wrap=True)
        return 1
    except OSError as error:
        if not (reason := fault_of_a_file(error)):
            raise
        console.print(plain(f"error: {reason}"), soft_wrap=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
