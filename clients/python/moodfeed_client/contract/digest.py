"""Which contract this code was generated from."""

CONTRACT_DIGEST = "0a235ecb0aef3c2f85b223e6b4900b01cb56d49d18f2988bac7fa8d9a25c14cd"
