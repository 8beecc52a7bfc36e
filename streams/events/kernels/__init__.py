"""Compiled readers of ordinary payloads; `streams.events.parse` defines the result and reads all others."""
