/** The sha256 of the protos that this code was generated from. */
export const CONTRACT_DIGEST = "099135046cedeaec5571d86cb8149ba99b3e2a4f6f2c8e6d72565ba6dc2f7c1f";
