"""Benchmarks. Run each in the checkout as `python -m benchmarks.NAME`."""
