"""What the explorer asks of the services, answered in one process."""

from collections.abc import Mapping, Sequence

from bundle.held_bundles import HeldBundles
from bundle.stand_in_titles import find_stand_in_titles
from embedded.people import in_a_thread
from embedded.ports import Models
from moodfeed.user_tower.v1 import user_tower_pb2
from user_tower_service.mood_messages import write_meant_mood


class ThreadedExplorerFacts:
    """Answers from the current bundle; a thread waits for the encoder and the disk."""

    def __init__(self, held: HeldBundles[Models]) -> None:
        self._held = held

    async def read_mood(self, mood: str, *, seconds: float) -> user_tower_pb2.ReadMoodResponse:
        """What a mood is understood as."""
        encoder = self._held.current.encoder
        return await in_a_thread(lambda: write_meant_mood(encoder.read_mood(mood)), seconds=seconds)

    async def stand_in_titles(self, post_ids: Sequence[int], *, seconds: float) -> Mapping[int, str]:
        """Texts by post id."""
        directory = self._held.current_directory
        return await in_a_thread(lambda: find_stand_in_titles(directory, post_ids), seconds=seconds)
