"""`moodfeed sample-api`: the stand-in upstream API in the foreground."""
