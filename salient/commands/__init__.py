"""What `salient VERB` runs: the only rooms that know Hydra."""
