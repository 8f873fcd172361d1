"""The embedded sample: 128 pairs drawn by code, the same on every machine."""
