/** The sha256 of the protos that this code was generated from. */
export const CONTRACT_DIGEST = "c25f1a96270b9f5df63cfcd12fdfb0247906f3ff4f0f165226baae203827f39c";
