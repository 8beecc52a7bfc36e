"""The same window job in other frameworks, side by side with a bare loop, on one topic of one broker.

Each peer is written as its own documentation would write it and runs in an environment of its own under `.cache/peers`;
it knows nothing of the runner but four environment variables, one printed word and the topic that its counts go to.
docs/peers.md says what each one's job is.
"""
