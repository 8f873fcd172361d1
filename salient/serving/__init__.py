"""Pictures in, maps out: a page for the browser, and an HTTP API that needs the extra `serve`."""
