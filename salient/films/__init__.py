"""Videos: read, detected frame by frame, smoothed and written. Only the reader and the writer use PyAV."""
