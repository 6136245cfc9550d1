"""Which contract this code was generated from."""

CONTRACT_DIGEST = "9ad38375112d09c98cf5a29ef31aca682fd0ce042a8d48ef5e3108dbddf01d4c"
