"""Pictures in, saliency maps out: without Lightning or Hydra."""
