"""A method on a set -> figures -> tables, curves, pictures."""
