"""What `salient VERB` runs on: Hydra, the checks of a config, `--help`. Only this wing and `commands` know Hydra."""
