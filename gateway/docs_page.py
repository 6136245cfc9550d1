"""The page at /docs: Swagger UI, vendored in gateway/swagger_ui, over the gateway's own OpenAPI document."""

from pathlib import Path

from gateway.page_files import PageFiles, answering_with

_DIRECTORY = Path(__file__).parent / "swagger_ui"
_HEADERS = {
    "cache-control": "public, max-age=86400",
    "content-security-policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:",
    "x-content-type-options": "nosniff",
}

FILES: PageFiles = {
    "/docs": ("index.html", "text/html"),
    "/docs/swagger-ui.css": ("swagger-ui.css", "text/css"),
    "/docs/swagger-ui-bundle.js": ("swagger-ui-bundle.js", "text/javascript"),
    "/docs/start.js": ("start.js", "text/javascript"),
}

docs_file = answering_with(FILES, directory=_DIRECTORY, headers=_HEADERS)
