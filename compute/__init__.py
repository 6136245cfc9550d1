"""What the two compute services share with each other and with no other process."""
