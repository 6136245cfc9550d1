/** The sha256 of the protos that this code was generated from. */
export const CONTRACT_DIGEST = "02e3f882fa551fd53f369314f00e23879101666b5ce8c1a3880dfa918bd11974";
