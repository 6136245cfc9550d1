"""Which contract this code was generated from."""

CONTRACT_DIGEST = "02e3f882fa551fd53f369314f00e23879101666b5ce8c1a3880dfa918bd11974"
