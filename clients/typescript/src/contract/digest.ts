/** The sha256 of the protos that this code was generated from. */
export const CONTRACT_DIGEST = "3e8bcb215dff34c3832473f559c872d058035597864f8c6796dfa8a397dd01d8";
