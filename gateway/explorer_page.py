"""The explorer: a page at / that shows feeds and records what is clicked, over the gateway's own HTTP API."""

from pathlib import Path

from gateway.page_files import PageFiles, answering_with

_DIRECTORY = Path(__file__).parent / "explorer"
_HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: http: https:; media-src 'self' http: https:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}

EXPLORER_FILES: PageFiles = {
    "/": ("index.html", "text/html"),
    "/explorer/explorer.css": ("explorer.css", "text/css"),
    "/explorer/explorer.js": ("explorer.js", "text/javascript"),
}

explorer_file = answering_with(EXPLORER_FILES, directory=_DIRECTORY, headers=_HEADERS)
