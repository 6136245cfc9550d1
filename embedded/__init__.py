"""The one-process mode: gateway, user tower and post index composed behind the gateway's ports."""
