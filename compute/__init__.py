"""What the two compute services share, and no other process has."""
