"""Text to features to scores in one pass, compiled, outside the GIL. Training and scoring share it.

A batch is one array of code points (`models.features.encode`). Each text is walked once: its *words* (`words`, which
undoes what hides them: `urls`, `apart`, `known`), their *features*, each a 64-bit hash brought down to a bucket
(`hashes`, `ngrams`), and the *score* (`scoring`) with the text's fingerprint (`fingerprints`). `survey` counts what
becomes known, `owners` serves explanations.

One kernel calls another by the name that it imports, never through a module: `models.compiled` finds what it calls by
these names, so that machine code on disk is forgotten when a function in another file has changed.
"""
