"""The figures by name, in the order of docs/live.md, each with its title and its module."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

from benchmarks.live.bench import Bench
from benchmarks.live.results import Found


@dataclass(frozen=True, slots=True)
class Entry:
    """What a figure is called, and the module of this package whose ``measure`` measures it."""

    title: str
    module: str

    def measure(self, bench: Bench) -> Found:
        """Import the module and measure; raises LeftOutError."""
        found: Found = import_module(f"benchmarks.live.{self.module}").measure(bench)
        return found


FIGURES: Mapping[str, Entry] = {
    "reflection": Entry("What was acknowledged is reflected", "reflection"),
    "cold-people": Entry("Cold people of MicroLens, brought in by RPC", "cold_people"),
    "durable-writes": Entry("Durable interactions a second", "durable_writes"),
    "feeds-beside-writes": Entry("Feeds while interactions are recorded", "feeds_beside_writes"),
    "kills": Entry("kill -9 at full load", "kills"),
    "store-down": Entry("The store is down", "store_down"),
    "served-memory": Entry("What was shown is not shown again", "served_memory"),
    "trending": Entry("Trending, asked at each session's start", "trending"),
    "people-memory": Entry("Memory for a million people with live histories", "people_memory"),
    "cold-feeds": Entry("The cold feed beside the echo", "cold_feeds"),
    "visible-posts": Entry("A new post is visible", "visible_posts"),
    "deletions": Entry("A deleted post is gone", "deletions"),
    "searches-beside-posts": Entry("Searches while posts come in", "searches_beside_posts"),
    "filtered-searches": Entry("Searches under filters", "filtered_searches"),
    "diverse-pages": Entry("Pages that differ", "diverse_pages"),
    "cold-posts": Entry("Cold posts of MicroLens, brought in by RPC", "cold_posts"),
    "exploration": Entry("Exploration in a simulated world", "exploration"),
    "replay": Entry("Replay: the live feed beside the frozen one and live popularity", "replay"),
}
