"""Detection and scoring by engines that run on many machines: Ray, Spark."""
