"""The two towers, which training and serving must compute alike."""
