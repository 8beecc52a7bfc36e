"""Tweets with ground truth: seeded, deterministic, pure. `run.Simulation` makes a log, `firehose` makes payloads fast.

A run is everyday talk of several countries plus stories (`stories.Story`): protests, counter-speech, news, sports,
festivals, bot floods, and campaigns of hate that should be found. `scenario`, `demo` and `moving` make whole
runs.

Everything random comes from named streams of one seed (`dice.stream`), so a file depends on its arguments alone, and a
new actor does not disturb the others. No clock, no network; the package's own texts are all that it opens (`data`).
"""
