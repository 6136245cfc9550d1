"""What the product costs, beside floors, its predecessor and peers: `moodfeed bench`."""
