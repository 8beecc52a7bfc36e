"""Compiled kernels, without the GIL: text to words, features and scores in one pass, for training and scoring.

A batch is one array of code points (`lines`, `models.features.encode`). For each text the kernels read its *words*
(`words`, with `urls`, `spaced_letters` and `known` to undo disguises). They hash these (`hashes`, `word_hashes`) to the
fingerprint and to *features*, each a bucket (`ngrams`), and compute the *score* (`scoring`). `fingerprints` is for
texts that get no score, `survey` counts words for the vocabulary, `attribution` serves explanations.

A kernel imports other kernels by name, never through a module. `models.compiled` finds callees by these names and
discards cached machine code when a callee in another file changes.
"""
