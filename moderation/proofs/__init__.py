"""Verification of what is published: statements of reasons, orders' replies, and transparency reports.

Everything here works on files and keys alone, so that a third party can run it: nothing reads Kafka or settings. Keys
are arguments; they never come from the files that are verified.
"""
