"""What training and serving must agree on: features, towers, encoder, bundle."""
