"""A descriptor pool of our own.

In the default pool of a process a file of the same name can be there once: beside another copy of the contract, such as
the server's generated code or that of another release, this package could not be imported.
"""

from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.timestamp_pb2 import DESCRIPTOR as _TIMESTAMP

POOL = DescriptorPool()
POOL.AddSerializedFile(_TIMESTAMP.serialized_pb)
