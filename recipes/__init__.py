"""Scripts that rebuild the shipped weights, and what they run."""
