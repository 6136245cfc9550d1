"""Selects the engine that the settings name."""

from post_index_service.loading import EngineOfBundle
from post_index_service.settings import Settings


def engine_of(settings: Settings) -> EngineOfBundle | None:
    """What finds the engine of a bundle; None for our own. Milvus's client is imported only if it is asked for."""
    if settings.engine == "faiss":
        return None
    from post_collection.server import Server  # noqa: PLC0415
    from post_index_service.milvus.engine import EngineOfServer  # noqa: PLC0415

    return EngineOfServer(
        Server(settings.milvus_uri, token=settings.milvus_token.get_secret_value() if settings.milvus_token else ""),
        must_be_exact=settings.milvus_search == "exact",
        read=settings.milvus_read,
    )
