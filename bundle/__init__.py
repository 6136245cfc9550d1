"""The bundle: the one thing that training hands to serving. It needs NumPy, but neither torch nor gRPC."""
