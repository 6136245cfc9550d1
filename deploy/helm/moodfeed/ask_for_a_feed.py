"""`helm test`: ask the gateway for its categories and for a feed, as somebody of whom nothing is known."""

import json
import os
import ssl
import urllib.parse
import urllib.request

AUTHORITY = "/secrets/tls/ca.crt"


def ask(path: str, **query: str) -> dict[str, list[dict[str, str]]]:
    """The answer of the gateway; any other status than 200 ends the program."""
    url = f"{os.environ['GATEWAY']}{path}?{urllib.parse.urlencode(query)}"
    headers = {"authorization": f"Bearer {os.environ['TOKEN']}"} if "TOKEN" in os.environ else {}
    trust = ssl.create_default_context(cafile=AUTHORITY) if url.startswith("https:") else None
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), context=trust, timeout=30) as reply:
        return json.load(reply)


ask("/readyz")
category = ask("/categories")["categories"][0]
feed = ask("/feed", username="helm-test", category_id=category["category_id"], mood="calm")
if not feed["posts"] or feed["degradations"]:
    raise SystemExit(f"{len(feed['posts'])} posts, degraded: {feed['degradations']}")
print(f"{len(feed['posts'])} posts of the category {category['name']}")
