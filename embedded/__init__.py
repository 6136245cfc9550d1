"""The one-process mode: the gateway with the encoder and the index in its own process."""
