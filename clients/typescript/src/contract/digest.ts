/** The sha256 of the protos that this code was generated from. */
export const CONTRACT_DIGEST = "95fbb477424d366fb77c9748b9debe681516ee9e40331929410d73447100806f";
