"""Compiled readers of ordinary native payloads; `streams.events.parse` defines the result and reads all others."""
