"""Attacks that try to silence a protest's hashtag, or to lift a campaign, through the reference.

    python -m benchmarks.hijack [--quick] [--seeds N] [--only WORD] [--json FILE] [--base FILE]

A hundred people write under one hashtag, over ten minutes or an hour; attackers write hate there before, among or after
them. Each case is replayed under the shipped policy with mode suppress, its circuit breakers open, early decisions
included. A viewer in the hashtag's country looks each second. Seconds hidden count once the tick has settled that holds
the tenth genuine author by the generator's truth. "first" has the texts and ages of the simulator, "second" those of
`devkit.crowds`, whose attackers have the ages, statuses and deletions of public data.

A lifted campaign has a hundred bots, and twenty bought accounts with neutral posts. A case on it counts only while the
campaign is shown. Its mirror has the same accounts, ages, times and hateful texts, with the roles exchanged: a protest
of twenty under attack. Both must have the same actions.

`--base` prints what differs from an earlier JSON, and judges the goals that compare with it. The exit code is 3 if a
goal is missed. `python -m benchmarks.hijack.sizes` plays more sizes with copied texts.
"""
