"""What the product costs, beside floors, its predecessor and peers: `moodfeed bench`."""

import os

# A program that is started as another user is forked, and there gRPC's handlers may end the child before it begins.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
