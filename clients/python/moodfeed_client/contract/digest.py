"""Which contract this code was generated from."""

CONTRACT_DIGEST = "23e0f4c4bf11ae44c2da807c410a2a49bf72d6eebd96b5af8c27fba01e3a767d"
