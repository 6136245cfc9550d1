"""Builds the encoder of a bundle and checks it before it serves."""

from collections.abc import Callable
from pathlib import Path

from bundle.directory import Bundle, current_bundle, previous_bundle
from bundle.manifest import BundleError, read_manifest
from compute.store_settings import opening_of
from user_tower_service.canaries import check_canaries
from user_tower_service.encoder import Encoder
from user_tower_service.live_log import LiveLog
from user_tower_service.mood_memories import MoodMemories
from user_tower_service.settings import Settings

_LONGEST_WAIT_FOR_POSTS = 60.0
"""Seconds that a new bundle waits for the embeddings of live posts before it is current here."""


def loader(settings: Settings, live: LiveLog | None = None) -> Callable[[Bundle], Encoder]:
    """A function that reads the models of a bundle and checks its canaries; BundleError if one of them fails.

    The bundles that it reads share a mood encoder where they hold the same one, and ``live``. Every bundle but the
    first waits for a minute at most until its live posts have embeddings; those that are left follow.
    """
    moods = MoodMemories(settings.mood_cache_size, runtime=settings.runtime)
    loaded: set[str] = set()

    def load(bundle: Bundle) -> Encoder:
        encoder = Encoder(
            bundle, runtime=settings.runtime, moods=moods, live=live, live_cache_size=settings.live_cache_size
        )
        check_canaries(encoder, bundle)  # also warms up the models
        if live is not None and loaded:  # the bundle before this one answers meanwhile
            live.encoding.wait_for(bundle.bundle_id, seconds=_LONGEST_WAIT_FOR_POSTS)
        loaded.add(bundle.bundle_id)
        return encoder

    return load


def live_log_of(settings: Settings) -> LiveLog | None:
    """What follows the store of the settings; None without one."""
    opening = opening_of(settings)
    if opening is None:
        return None
    return LiveLog(
        opening,
        begin_after=_oldest_position(settings.bundles),
        served_hours=settings.served_hours,
        bundles=settings.bundles,
    )


def _oldest_position(bundles: Path) -> int:
    """The position of the log of the older one of the bundles that will be held; 0 if it cannot be known yet."""
    try:
        directories = [current_bundle(bundles), previous_bundle(bundles)]
        return min(read_manifest(directory).log_position for directory in directories if directory is not None)
    except BundleError:
        return 0
