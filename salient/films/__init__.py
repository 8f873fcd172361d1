"""Videos, detected frame by frame. Only the reader and the writer use PyAV."""
