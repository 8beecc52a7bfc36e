"""Faults on real parts: seeded schedules that kill, pause and cut off, and an oracle that reads from outside."""
