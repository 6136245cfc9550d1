"""The bundle: the one thing that training hands to serving. NumPy alone: no torch, no gRPC."""
