"""Compiled passes of ingest over columns: record batches, admission, block counts and lines."""
