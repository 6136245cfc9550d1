"""How large the gRPC requests of each method of the gateway may be, in bytes; the same in one process."""

from gateway import catalog_messages
from gateway.feed_messages import FEEDS_METHOD
from gateway.feedback_messages import RECORD_METHOD
from gateway.settings import LARGEST_FEEDBACK_BYTES, LARGEST_FEEDS_BYTES

LARGER_REQUESTS = {
    RECORD_METHOD: LARGEST_FEEDBACK_BYTES,
    FEEDS_METHOD: LARGEST_FEEDS_BYTES,
    **{f"/{catalog_messages.SERVICE_NAME}/{method}": LARGEST_FEEDBACK_BYTES for method in catalog_messages.METHODS},
}
"""Methods that take more than the others do."""
