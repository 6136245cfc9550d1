"""Make the encoder of a bundle, and prove it, before anybody is answered from it."""

from bundle.directory import Bundle
from user_tower_service.canaries import check_canaries
from user_tower_service.encoder import Encoder
from user_tower_service.settings import Settings


def load(bundle: Bundle, settings: Settings) -> Encoder:
    """Read the models of a bundle and ask their canaries; BundleError if it cannot be trusted."""
    encoder = Encoder(bundle, mood_cache_size=settings.mood_cache_size, runtime=settings.runtime)
    check_canaries(encoder, bundle)  # warms the towers and BERT too
    return encoder
