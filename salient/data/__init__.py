"""Pictures and masks: reading, pairing, resizing, caching. Nothing of training."""
