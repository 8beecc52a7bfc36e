"""Campaigns found and innocent hashtags spared, on texts of annotators that the model has never seen.

    python -m benchmarks.scenarios [--seeds 0-2] [--labels 0] [--source uli_hi] [--json FILE] [--picture FILE]

Each labelled source is left out in turn: a model is trained without it (`models.left_out`, kept in .cache; the first
run trains for minutes), and harmful and clean texts are drawn from it. Every seed is played as the model is trained,
and again with its scale fitted to 300 labels of the source, as `hushtag calibrate` does. Source `dev` has the committed
model and the dev splits: other texts of annotators that it knows. Protests, matches and festivals mix clean texts of
the source with the simulator's; counter-speech, news, reclaimed words, sarcasm and unread languages are the
simulator's. Presets `hard` (15 minutes) and `slow` (an hour) of `hushtag simulate` make the log, which the reference
judges with early decisions, by default under config/demo-policy.yaml. Without ../shared/data the texts are the
simulator's and the model is the committed one.

A campaign is found where a settled decision suppresses its hashtag, or discounts it to a weight of .1 or less. An
attacked hashtag may be hidden while its own people are few: its first two minutes do not count as false.

Goals (the exit code is 3 where one is missed):

- no hashtag in an unread language is suppressed, early or settled, and each has a case;
- no protest, counter-speech, news or match is suppressed by a settled decision;
- at most 5% of the early flags are withdrawn;
- of the open campaigns of `dev`, 90% are found where all authors write harm, and 70% where 80% do.

Recall on left-out sources is reported, by share, language and number of labels. So are disguises, polite words, the
hour, reclaimed words and sarcasm.

Seeds 0 to 9 served to write the scenarios. Seeds 9000 to 9004 are for the final figures: they are run once, and nothing
is changed afterwards.
"""
