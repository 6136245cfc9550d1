"""What a mood was understood as, as a message."""

from collections.abc import Iterable, Mapping

from mood_encoder.mood_space import MeantMood
from moodfeed.user_tower.v1 import user_tower_pb2


def write_meant_mood(meant: MeantMood) -> user_tower_pb2.ReadMoodResponse:
    """Families, words and language; empty if it says nothing about a mood."""
    if meant.vector is None:
        return user_tower_pb2.ReadMoodResponse()
    understood = meant.understood
    return user_tower_pb2.ReadMoodResponse(
        wanted=_weighted(meant.wanted),
        avoided=_weighted(understood.avoided),
        language=understood.language,
        words=(
            user_tower_pb2.MoodWord(text=text, families=families, is_avoided=is_avoided)
            for text, families, is_avoided in understood.found
        ),
        is_understood=True,
    )


def _weighted(weights: Mapping[str, float]) -> Iterable[user_tower_pb2.WeightedFamily]:
    return (
        user_tower_pb2.WeightedFamily(name=name, weight=weight)
        for name, weight in sorted(weights.items(), key=lambda each: -each[1])
    )
