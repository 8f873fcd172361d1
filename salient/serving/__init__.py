"""The web page, and the HTTP API (which needs the extra `serve`)."""
