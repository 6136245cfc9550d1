"""Builds the encoder of a bundle and checks it before it serves."""

from collections.abc import Callable

from bundle.directory import Bundle
from user_tower_service.canaries import check_canaries
from user_tower_service.encoder import Encoder
from user_tower_service.mood_memories import MoodMemories
from user_tower_service.settings import Settings


def loader(settings: Settings) -> Callable[[Bundle], Encoder]:
    """A function that reads the models of a bundle and checks its canaries; BundleError if one of them fails.

    The bundles that it reads share a mood encoder where they hold the same one.
    """
    moods = MoodMemories(settings.mood_cache_size, runtime=settings.runtime)

    def load(bundle: Bundle) -> Encoder:
        encoder = Encoder(bundle, runtime=settings.runtime, moods=moods)
        check_canaries(encoder, bundle)  # also warms up the models
        return encoder

    return load
