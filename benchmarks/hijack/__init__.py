"""Attacks that try to silence a protest's hashtag, and campaigns on new hashtags, through the reference.

    python -m benchmarks.hijack [--full] [--texts own|dev|FILE] [--seeds N] [--json FILE] [--picture FILE]

M established accounts write distinct protest texts under one hashtag over ten minutes. K other accounts write hate
under the same one, before, among or after them. The log is replayed under the shipped policy with mode suppress, early
decisions included. Each second, a viewer in the hashtag's country sees the flag that is in force. Every ten seconds,
the reference trends service ranks the hashtag among forty steady ones.

The first table has few sizes. `--full` plays all kinds of attackers, K/M from 0.1 to 5 and M from 10 to 1,000. Both end
with the goals; the exit code is 3 if one is missed.
"""
