"""The network: a timm encoder under a boundary-guided decoder."""
