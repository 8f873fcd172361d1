"""Networks to and from files: our format, ModelScope's, and foreign encoders."""
