/** The sha256 of the protos that this code was generated from. */
export const CONTRACT_DIGEST = "9ad38375112d09c98cf5a29ef31aca682fd0ce042a8d48ef5e3108dbddf01d4c";
