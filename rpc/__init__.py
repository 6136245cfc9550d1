"""What every gRPC process here needs, whatever it serves: this package knows neither users nor posts."""

import os

# gRPC's core writes lines of its own form to stderr, from C. What it reports there, calls and binds report as errors.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
