"""Which contract this code was generated from."""

CONTRACT_DIGEST = "95fbb477424d366fb77c9748b9debe681516ee9e40331929410d73447100806f"
