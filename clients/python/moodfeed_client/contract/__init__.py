"""Code that is generated from the contract, in a descriptor pool of its own."""
