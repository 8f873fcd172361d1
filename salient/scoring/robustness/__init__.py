"""How much a network loses on damaged pictures."""
