/** The version of this package, which is that of the release whose contract it was generated from. */
export const VERSION = "0.2.0";
/** The version of the contract, as in the names of its packages. */
export const CONTRACT = "v1";
