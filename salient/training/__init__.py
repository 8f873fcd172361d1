"""The only wing that knows Lightning."""
