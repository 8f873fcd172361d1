"""What is measured: run each from the checkout as `python -m benchmarks.NAME`."""
