"""Ingest's core: blocks of the source log, counts and author samples, watermarks. No I/O."""
