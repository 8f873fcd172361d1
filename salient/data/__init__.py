"""Pictures and masks: finding, checking, augmenting, batching."""
