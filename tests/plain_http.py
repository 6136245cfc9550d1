"""What a test passes to httpx as ``verify`` for http:// addresses: to read the authorities takes 20 ms at each call."""

import ssl

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
