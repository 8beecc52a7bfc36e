"""Simulated tweets with ground truth: seeded, deterministic, pure. `run.Simulation` makes a log, `firehose` payloads.

A run is background traffic of several countries plus stories (`stories.Story`): protests, counter-speech, news, sports,
festivals, bot floods, and hate campaigns that should be suppressed. `scenario`, `demo`, `moving` and
`hard` configure runs.

All random numbers come from named streams of one seed (`dice.stream`). So a file depends on its arguments alone, and a
new source of tweets does not change the others. No clock and no network are used, and no files but `data`.
"""
