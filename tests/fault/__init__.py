"""Fault injection on real servers: seeded schedules that kill, pause and cut off, and an external oracle."""
