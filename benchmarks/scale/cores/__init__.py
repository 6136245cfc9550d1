"""What a core carries of the living feed, what one log carries, and what a site of a given size needs."""
