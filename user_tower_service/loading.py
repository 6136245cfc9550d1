"""Builds the encoder of a bundle and checks it before it serves."""

from bundle.directory import Bundle
from user_tower_service.canaries import check_canaries
from user_tower_service.encoder import Encoder
from user_tower_service.settings import Settings


def load(bundle: Bundle, settings: Settings) -> Encoder:
    """Read the models of a bundle and check its canaries; BundleError if one of them fails."""
    encoder = Encoder(bundle, mood_cache_size=settings.mood_cache_size, runtime=settings.runtime)
    check_canaries(encoder, bundle)  # also warms up the models
    return encoder
