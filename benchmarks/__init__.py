"""Benchmarks of the pipeline, its cores and its scorers, and their charts."""
