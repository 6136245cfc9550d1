"""Which contract this code was generated from."""

CONTRACT_DIGEST = "34b16f9f1a82beac397ec2eb1b4fb5bba98218d6d1986bfc855e1f3ee6cf9db2"
