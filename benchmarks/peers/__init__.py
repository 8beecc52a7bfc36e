"""The same window job in other frameworks, side by side with a bare loop, on one topic of one broker.

Each peer is written as its documentation would write it, and runs in a separate environment under `.cache/peers`. It
shares environment variables, one printed word and the topic of its counts with the runner. docs/peers.md describes
each job.
"""
