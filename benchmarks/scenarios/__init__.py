"""Campaigns found and innocent hashtags spared, on texts of annotators that the model has never seen.

    python -m benchmarks.scenarios [--seeds 0-6] [--source uli_hi] [--policy FILE] [--json FILE] [--picture FILE]

Each labelled source is left out in turn: a model is trained without it (`models.left_out`, kept in .cache), and harmful
and clean texts are drawn from it. Protests, matches and festivals mix its clean texts with the simulator's;
counter-speech, news, reclaimed words, sarcasm and unread languages are the simulator's. Presets `hard` (15 minutes) and
`slow` (an hour) of `hushtag simulate` make the log, which the reference judges with early decisions (config/
demo-policy.yaml by default). Without ../shared/data the texts are the simulator's and the model is the committed one.

A campaign is found where a settled decision suppresses its hashtag, or discounts it to a weight of .1 or less. An
attacked hashtag may be hidden while its own people are few: its first two minutes do not count as false.

Goals (the exit code is 3 where one is missed):

- no hashtag in an unread language is suppressed, early or settled, and each has a case;
- no protest, counter-speech, news or match is suppressed by a settled decision;
- of the open campaigns, 90% are found where all authors write harm, 80% at a share of .8, and 50% at .6;
- at most 5% of the early flags are withdrawn.

Recall at .4, in disguise, in polite words or over an hour is reported, and so are reclaimed words and sarcasm.

Seeds 0 to 9 served to write the scenarios. Seeds 9000 to 9006 are for the final figures: they are run once, and nothing
is changed afterwards.
"""
