"""What is true of any gRPC process here: it knows no users and no posts."""
