"""Text to features to scores in one pass, compiled, outside the GIL. Training and scoring share it.

A batch is one array of code points (`models.features.encode`). Each text is walked once:

1. *Words.* URLs, handles, hashtags and numbers are passed over: a tag must not vote for itself. What is left is
   folded (case, accents, look-alikes, digits that stand for letters), runs of a letter are cut to two, and a word
   that was written letter by letter ("v e r m i n", "v.e.r.m.i.n") is one word again. What only a reader who knows
   words can undo ("ver min", "v3rm1n5") is undone where the result is a known word (`models.vocabulary`).
2. *Features*, each a 64-bit hash brought down to a bucket; three blocks:
   words (1- and 2-grams), characters (3- to 5-grams of each word between blanks), skeletons (1- and 2-grams of words
   without vowels, in which Devanagari and Roman spelling of a word agree).
   A bucket counts once per text and block.
3. *Score.* Weights are small integers, so a block's sum is exact in any order; it is divided by the square root of the
   block's size and weighed by its scale. Nothing is shared between texts but the weights: a text's neighbours cannot
   change one bit of its score.

All of it is in one file, long as that is: numba's cache on disk would not notice a change in another one.

The buckets of a text are kept apart by a stamp per bucket (the number of the text and block that set it last) instead
of by clearing a table for each text.
"""

# ruff: noqa: SIM109, SIM110  # comparisons and loops, not `in` and `all`: numba makes one jump of them

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from models import characters
from models.compiled import compiled as _compiled

MAX_POINTS = 2_048  # of a text are read, the rest is passed over: a tweet has 280
# What is read may stand twice among the words: as written, and joined (`_rejoined`).
_MAX_LETTERS = 2 * MAX_POINTS
_MAX_WORDS = _MAX_LETTERS + 2

_LETTER, _MARK, _DIGIT = characters.LETTER, characters.MARK, characters.DIGIT
_SKIP, _SYMBOL, _STAR = characters.SKIP, characters.SYMBOL, characters.STAR
_HASH, _AT, _LEET, _LEET_SIZE = characters.HASH, characters.AT, characters.LEET, characters.LEET_SIZE
_BLANK, _ASTERISK = 0x20, 0x2A
_INDIC = 0x0900  # the first code point of Devanagari
_ONE, _LETTER_L = 0x31, 0x6C
# What people write as a word of one letter ("u r a"): three of them in a row are three words, not one spaced out.
_ONE_LETTER_WORDS = np.array([chr(point) in "abcdikmnoruxy" for point in range(128)])

Points = npt.NDArray[np.uint32]
Offsets = npt.NDArray[np.int64]

N_BLOCKS = 3
# What a block weighs beside the others (words, characters, skeletons), chosen on dev: characters carry the most.
BLOCK_SCALES = (1.0, 1.5, 0.3)
# A word of n letters gives at most 3 (n + 2) character n-grams, 2 words and 2 skeletons, and takes n + 1 points; and
# once more where it is joined to others.
FEATURES_PER_POINT = 20
_MAX_FEATURES = FEATURES_PER_POINT * MAX_POINTS + 64

_KEY_SIZE = characters.SKELETON_SIZE
_KEY_VOWEL, _KEY_BREATH, _KEY_PASS = (
    characters.SKELETON_VOWEL,
    characters.SKELETON_BREATH,
    characters.SKELETON_PASS,
)
_SEED = np.uint64(0xCBF29CE484222325)
_PRIME = np.uint64(0x100000001B3)
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_PAIR = np.uint64(0x9E3779B97F4A7C15)
_WORD_SALT, _CHAR_SALT, _SKELETON_SALT = np.uint64(0x57), np.uint64(0x43), np.uint64(0x53)
_KNOWN_SALT, _ROW_SALT = np.uint64(0x4B), np.uint64(0x52)
_FEWEST_LETTERS, _MOST_LETTERS = 3, 24  # of a word that its parts are joined to
MOST_ROWS = _MOST_LETTERS // 2  # for each code point: that many words begin with one, and two points make a word


@_compiled
def _mixed(hashed: np.uint64) -> np.uint64:
    hashed = (hashed ^ (hashed >> np.uint64(33))) * _MIX
    return hashed ^ (hashed >> np.uint64(29))


@_compiled
def _is_wordish(kind: int) -> bool:
    return kind == _LETTER or kind == _MARK or kind == _DIGIT


@_compiled
def _url_end(points: Points, at: int, end: int) -> int:
    """Where the URL that begins at `at` ends, or `at` if none does."""
    first = points[at] | 0x20
    if first == 0x68 and at + 7 < end:  # h: http:// or https://
        if (points[at + 1] | 0x20) != 0x74 or (points[at + 2] | 0x20) != 0x74 or (points[at + 3] | 0x20) != 0x70:
            return at
        colon = at + 5 if (points[at + 4] | 0x20) == 0x73 else at + 4
        if points[colon] != 0x3A or points[colon + 1] != 0x2F or points[colon + 2] != 0x2F:
            return at
    elif first == 0x77 and at + 4 < end:  # www.
        if (points[at + 1] | 0x20) != 0x77 or (points[at + 2] | 0x20) != 0x77 or points[at + 3] != 0x2E:
            return at
    elif first == 0x74 and at + 5 < end:  # t.co/
        if points[at + 1] != 0x2E or (points[at + 2] | 0x20) != 0x63 or (points[at + 3] | 0x20) != 0x6F:
            return at
        if points[at + 4] != 0x2F:
            return at
    else:
        return at
    while at < end and points[at] > _BLANK and points[at] < 0x2000:
        at += 1
    return at


@_compiled
def _read_words(
    points: Points,
    start: int,
    end: int,
    kinds: npt.NDArray[np.uint8],
    letters: Points,
    leet: npt.NDArray[np.uint8],
    known: npt.NDArray[np.uint32],
    out: Points,
    bounds: npt.NDArray[np.int32],
    near: npt.NDArray[np.bool_],
) -> int:
    """Fills `out` with the folded letters of the words of one text, word i being out[bounds[i]:bounds[i + 1]].

    A word is a run of letters, marks, digits and stars, or one symbol (emoji). Returns the number of words. `near`
    says of each whether one sign alone parts it from the word before.
    """
    n_words, used, at, word_end = 0, 0, start, -2
    end = min(end, start + MAX_POINTS)
    bounds[0] = 0
    # The last `spaced` words are of one letter each, one sign apart; the last of them ends at `spaced_end`.
    spaced, spaced_end, by_blanks, torn = 0, -1, True, False
    while at < end:
        kind = kinds[points[at]]
        if kind == _HASH or kind == _AT:
            at += 1
            while at < end and (_is_wordish(kinds[points[at]]) or kinds[points[at]] == _SKIP or points[at] == 0x5F):
                at += 1
            continue
        if kind == _SYMBOL:
            n_words, spaced = _joined(out, bounds, n_words, spaced, by_blanks and not torn), 0
            out[used] = points[at]
            used += 1
            near[n_words], word_end = False, -2  # nothing is joined across it
            n_words += 1
            bounds[n_words] = used
            at += 1
            continue
        if kind == _LETTER:
            after = _url_end(points, at, end)
            if after > at:
                at = after
                continue
        elif kind != _DIGIT and kind != _LEET and kind != _STAR and kind != _MARK:
            if kind == _SKIP and at == spaced_end + 1:
                spaced_end += 1
            at += 1
            continue
        follows = spaced > 0 and at == spaced_end + 1
        if follows and kind == _MARK:  # a sign on its own belongs to the letter that it was parted from
            out[used] = letters[points[at]]
            used += 1
            bounds[n_words] = used
            at += 1
            spaced_end, word_end, torn = at, at, True
            continue
        begin, word_start, n_letters, n_stars, n_digits, run, n_parted, masked = used, at, 0, 0, 0, 0, 0, False
        while at < end:
            kind = kinds[points[at]]
            if kind == _SKIP:
                at += 1
                continue
            if kind == _LETTER or kind == _MARK or kind == _STAR:
                letter = letters[points[at]]
            elif points[at] < _LEET_SIZE and leet[points[at]] != 0:
                # It stands for a letter between letters, $ at either end of a word too, and one digit at the end of a
                # long word; elsewhere a digit is a digit.
                ahead = at + 1
                while ahead < end and ahead < at + 4 and points[ahead] < _LEET_SIZE and leet[points[ahead]] != 0:
                    ahead += 1
                opens = ahead < end and kinds[points[ahead]] == _LETTER
                dollar = points[at] == 0x24
                closes = kind == _DIGIT and ahead == at + 1 and (ahead == end or not _is_wordish(kinds[points[ahead]]))
                if (
                    (n_letters > 0 and (opens or dollar))
                    or (dollar and opens)
                    or (closes and n_letters > 2 and n_digits == 0)
                ):
                    letter = np.uint32(leet[points[at]])
                    kind = _LETTER
                elif kind == _DIGIT:
                    letter = points[at]
                else:
                    break
            elif kind == _DIGIT:
                letter = points[at]
            else:
                break
            if kind == _LETTER:
                n_letters += 1
                n_parted += used > begin and out[used - 1] == _ASTERISK
            elif kind == _STAR:
                n_stars += 1
                masked = masked or (at > word_start and kinds[points[at - 1]] == _STAR)  # f**n
            elif kind == _DIGIT:
                n_digits += 1
            at += 1
            run = run + 1 if used > begin and out[used - 1] == letter else 1
            if run <= 2:
                out[used] = letter
                used += 1
        if at == word_start:  # a sign that turned out to be no part of a word
            at += 1
        # No word begins with a vowel sign: it and what follows it belong to the word that they were parted from.
        torn_off = n_words > 0 and used > begin and n_stars == 0 and n_digits == 0
        torn_off = (
            torn_off
            and out[begin - 1] >= _INDIC
            and (
                (kinds[points[word_start]] == _MARK and word_start <= word_end + 1)
                or (torn and spaced > 0 and word_start == spaced_end)
            )
        )
        alone = n_letters == 1 and n_stars == 0 and n_digits == 0 and not torn_off
        blank = follows and (points[spaced_end] == _BLANK or kinds[points[spaced_end]] == _SKIP)
        if not (alone and follows and (spaced == 1 or blank == by_blanks)):
            n_words, spaced = _joined(out, bounds, n_words, spaced, by_blanks and not torn), 0
        if torn_off:
            bounds[n_words] = used
            word_end = at
            continue
        if n_letters == 0:  # a number, or stars
            used = begin
            continue
        if n_digits > 0:
            n_letters = _spelt_out(out, begin, used, leet, known, n_letters)
        # w*o*r*d; in Indic scripts of two letters, too, and a star may part a letter from its own sign.
        parted = n_stars + 1 == n_letters or (n_parted > 0 and n_parted + 1 == n_letters and not masked)
        if (n_stars + 1 == n_letters and n_stars > 1) or (out[begin] >= _INDIC and parted):
            used = _without_stars(out, begin, used)
        if alone:
            by_blanks, torn = spaced == 0 or blank, spaced > 0 and torn
            spaced += 1
            spaced_end = at
        near[n_words] = n_words > 0 and word_start <= word_end + 1
        word_end = at
        n_words += 1
        bounds[n_words] = used
    n_words = _joined(out, bounds, n_words, spaced, by_blanks and not torn)
    total: int = _rejoined(out, bounds, near, n_words, kinds, known)
    return total


@_compiled
def _joined(out: Points, bounds: npt.NDArray[np.int32], n_words: int, spaced: int, by_blanks: bool) -> int:
    """Makes one word of the last `spaced` words, each of one letter, unless they look like words. Returns how many are.

    With only blanks between them three are asked for, and two of them bare letters: one Indic letter with its vowel
    sign is a common word. Parted by another sign, or torn from a vowel sign, two will do.
    """
    if spaced < 2 or (spaced == 2 and by_blanks):
        return n_words
    first = n_words - spaced
    if by_blanks:
        n_bare, n_common = 0, 0
        for word in range(first, n_words):
            letter = out[bounds[word]]
            if bounds[word + 1] - bounds[word] == 1:
                n_bare += 1
                n_common += letter < 128 and _ONE_LETTER_WORDS[letter]
        if n_bare < 2 or (spaced == 3 and n_common == 3):
            return n_words
    bounds[first + 1] = bounds[n_words]
    return first + 1


@_compiled
def _spelt_out(
    out: Points,
    begin: int,
    used: int,
    leet: npt.NDArray[np.uint8],
    known: npt.NDArray[np.uint32],
    n_letters: int,
) -> int:
    """Puts letters for the digits of the word from `begin` on if that is a known word and it as written is not.

    1 is tried as i and as l. Returns the number of its letters.
    """
    if n_letters == 0 or used - begin < _FEWEST_LETTERS or _knows(known, _hash_of(out, begin, used), _KNOWN_SALT):
        return n_letters
    for one in range(2):
        hashed = _SEED
        for i in range(begin, used):
            letter = out[i]
            if letter < _LEET_SIZE and leet[letter] != 0:
                letter = np.uint32(_LETTER_L if one == 1 and letter == _ONE else leet[letter])
            hashed = (hashed ^ np.uint64(letter)) * _PRIME
        if _knows(known, hashed, _KNOWN_SALT):
            for i in range(begin, used):
                if out[i] < _LEET_SIZE and leet[out[i]] != 0:
                    out[i] = np.uint32(_LETTER_L if one == 1 and out[i] == _ONE else leet[out[i]])
            return used - begin
    return n_letters


@_compiled
def _rejoined(
    out: Points,
    bounds: npt.NDArray[np.int32],
    near: npt.NDArray[np.bool_],
    n_words: int,
    kinds: npt.NDArray[np.uint8],
    known: npt.NDArray[np.uint32],
) -> int:
    """Joins neighbours that make a known word and are not known to stand beside each other. Returns how many are left.

    Two neighbours, or a longer row of one letter each. Where the two are known words both readings are kept, the joined
    one at the end.
    """
    kept, at, used, n_more, top = 0, 0, bounds[n_words], 0, len(bounds) - 1
    while at < n_words:
        best, both = 1, False
        if kinds[out[bounds[at]]] != _SYMBOL:
            own = _hash_of(out, bounds[at], bounds[at + 1])
            joined, row, short = own, own, _is_one_letter(out, bounds[at], bounds[at + 1], kinds)
            following = at + 1
            while following < n_words and near[following] and bounds[following + 1] - bounds[at] <= _MOST_LETTERS:
                begin, end = bounds[following], bounds[following + 1]
                short = short and _is_one_letter(out, begin, end, kinds)
                if following > at + 1 and not short:
                    break
                hashed = _hash_of(out, begin, end)
                for i in range(begin, end):
                    joined = (joined ^ np.uint64(out[i])) * _PRIME
                row = row * _PAIR + hashed
                if (
                    end - bounds[at] >= _FEWEST_LETTERS
                    and _knows(known, joined, _KNOWN_SALT)
                    and not _knows(known, row, _ROW_SALT)
                ):
                    best = following - at + 1
                    both = best == 2 and _knows(known, own, _KNOWN_SALT) and _knows(known, hashed, _KNOWN_SALT)
                following += 1
        begin, end = bounds[at], bounds[at + best]
        if both:
            for i in range(begin, end):
                out[used] = out[i]
                used += 1
            bounds[top - n_more] = used
            n_more += 1
            kept += 1
            bounds[kept] = bounds[at + 1]
        kept += 1
        bounds[kept] = end
        at += best
    # The words that were joined are parted by nothing in `out`, so their letters stayed where they were.
    for more in range(n_more):
        kept += 1
        bounds[kept] = bounds[top - more]
    return kept


@_compiled
def _is_one_letter(out: Points, begin: int, end: int, kinds: npt.NDArray[np.uint8]) -> bool:
    """Whether the word is one letter with its marks."""
    for i in range(begin + 1, end):
        if kinds[out[i]] != _MARK:
            return False
    return True


@_compiled
def _hash_of(words: Points, begin: int, end: int) -> np.uint64:
    hashed = _SEED
    for i in range(begin, end):
        hashed = (hashed ^ np.uint64(words[i])) * _PRIME
    return hashed


@_compiled
def _key(hashed: np.uint64, salt: np.uint64) -> np.uint32:
    """Of a word or of a row of words in the table of what is known; never 0."""
    return np.uint32(_mixed(hashed ^ salt) >> np.uint64(32)) | np.uint32(1)


@_compiled
def _knows(known: npt.NDArray[np.uint32], hashed: np.uint64, salt: np.uint64) -> bool:
    """Whether a word or a row of words is in the table (open addressing, see `models.vocabulary`)."""
    key, mask = _key(hashed, salt), np.uint32(len(known) - 1)
    at = (key >> np.uint32(1)) & mask
    while known[at] != 0:
        if known[at] == key:
            return True
        at = (at + np.uint32(1)) & mask
    return False


@_compiled
def survey_batch(
    points: Points,
    offsets: Offsets,
    kinds: npt.NDArray[np.uint8],
    letters: Points,
    leet: npt.NDArray[np.uint8],
    words_found: npt.NDArray[np.uint32],
    rows_found: npt.NDArray[np.uint32],
) -> tuple[int, int]:
    """What a table of known words is made of: the keys of all words, and of all rows of neighbours, in all texts.

    Fills `words_found` (n,), and `rows_found` (n, 2): the key of the word that the row would be, and the row's own.
    Returns how many of each.
    """
    known = np.zeros(1, np.uint32)
    words, bounds = np.empty(_MAX_LETTERS, np.uint32), np.empty(_MAX_WORDS, np.int32)
    near = np.empty(_MAX_WORDS, np.bool_)
    n_found, n_rows = 0, 0
    for text in range(len(offsets) - 1):
        n_words = _read_words(
            points, offsets[text], offsets[text + 1], kinds, letters, leet, known, words, bounds, near
        )
        for at in range(n_words):
            joined = _hash_of(words, bounds[at], bounds[at + 1])
            words_found[n_found] = _key(joined, _KNOWN_SALT)
            n_found += 1
            row, short, following = joined, _is_one_letter(words, bounds[at], bounds[at + 1], kinds), at + 1
            while following < n_words and near[following] and bounds[following + 1] - bounds[at] <= _MOST_LETTERS:
                begin, end = bounds[following], bounds[following + 1]
                short = short and _is_one_letter(words, begin, end, kinds)
                if following > at + 1 and not short:
                    break
                for i in range(begin, end):
                    joined = (joined ^ np.uint64(words[i])) * _PRIME
                row = row * _PAIR + _hash_of(words, begin, end)
                rows_found[n_rows, 0] = _key(joined, _KNOWN_SALT)
                rows_found[n_rows, 1] = _key(row, _ROW_SALT)
                n_rows += 1
                following += 1
    return n_found, n_rows


@_compiled
def _without_stars(out: Points, begin: int, used: int) -> int:
    """Takes the stars out of the word from `begin` on. Returns where it ends."""
    kept = begin
    for i in range(begin, used):
        if out[i] != _ASTERISK:
            out[kept] = out[i]
            kept += 1
    return kept


@_compiled
def _put(
    hashed: np.uint64,
    mask: np.uint64,
    stamps: npt.NDArray[np.int32],
    stamp: int,
    found: npt.NDArray[np.int32],
    n_found: int,
) -> int:
    """Adds the bucket of `hashed` to `found` unless this text and block have it. Returns the new length."""
    bucket = np.int64(_mixed(hashed) & mask)
    if stamps[bucket] == stamp:
        return n_found
    stamps[bucket] = stamp
    found[n_found] = bucket
    return n_found + 1


@_compiled
def _find(
    words: Points,
    bounds: npt.NDArray[np.int32],
    n_words: int,
    skeleton: npt.NDArray[np.uint8],
    mask: np.uint64,
    stamps: npt.NDArray[np.int32],
    first_stamp: int,
    found: npt.NDArray[np.int32],
    owners: npt.NDArray[np.int32],
    ends: npt.NDArray[np.int64],
) -> int:
    """Fills `found` with the buckets of a text, block b ending at ends[b]. Returns their number.

    `owners` says for each the word that gave it (the last one, of a pair).
    """
    n_found = 0
    before = _SEED
    for word in range(n_words):
        hashed = _SEED
        for i in range(bounds[word], bounds[word + 1]):
            hashed = (hashed ^ np.uint64(words[i])) * _PRIME
        owners[n_found] = word
        n_found = _put(hashed ^ _WORD_SALT, mask, stamps, first_stamp, found, n_found)
        owners[n_found] = word
        n_found = _put((before * _PAIR + hashed) ^ _WORD_SALT, mask, stamps, first_stamp, found, n_found)
        before = hashed
    ends[0] = n_found
    for word in range(n_words):
        low, high = bounds[word] - 1, bounds[word + 1] + 1  # with the blank on either side
        for i in range(low, high - 2):
            hashed = _SEED
            for j in range(i, min(i + 5, high)):
                letter = words[j] if low < j < high - 1 else np.uint32(_BLANK)
                hashed = (hashed ^ np.uint64(letter)) * _PRIME
                if j >= i + 2:
                    owners[n_found] = word
                    n_found = _put(hashed ^ _CHAR_SALT, mask, stamps, first_stamp + 1, found, n_found)
    ends[1] = n_found
    before = _SEED
    for word in range(n_words):
        hashed, length, last, after_consonant = _SEED, 0, np.uint8(0), False
        for i in range(bounds[word], bounds[word + 1]):
            code = skeleton[words[i]] if words[i] < _KEY_SIZE else np.uint8(_KEY_PASS)
            if code == _KEY_BREATH:
                if after_consonant:
                    continue
                code = np.uint8(0x48)  # H
            after_consonant = bool(code > _KEY_BREATH)
            if code == _KEY_PASS or (code == _KEY_VOWEL and length > 0) or code == last:
                continue
            hashed = (hashed ^ np.uint64(code)) * _PRIME
            last = code
            length += 1
        if length == 0:
            continue
        if length > 1:
            owners[n_found] = word
            n_found = _put(hashed ^ _SKELETON_SALT, mask, stamps, first_stamp + 2, found, n_found)
        owners[n_found] = word
        n_found = _put((before * _PAIR + hashed) ^ _SKELETON_SALT, mask, stamps, first_stamp + 2, found, n_found)
        before = hashed
    ends[2] = n_found
    return n_found


@_compiled
def find_batch(
    points: Points,
    offsets: Offsets,
    kinds: npt.NDArray[np.uint8],
    letters: Points,
    leet: npt.NDArray[np.uint8],
    skeleton: npt.NDArray[np.uint8],
    known: npt.NDArray[np.uint32],
    n_buckets: int,
    out: npt.NDArray[np.int32],
    out_ends: npt.NDArray[np.int64],
) -> int:
    """The buckets of each text, one after the other in `out`; block b of text t ends at out_ends[t, b].

    `n_buckets` is a power of two. Returns how many there are, or -1 if `out` is too small for them.
    """
    words, bounds = np.empty(_MAX_LETTERS, np.uint32), np.empty(_MAX_WORDS, np.int32)
    near = np.empty(_MAX_WORDS, np.bool_)
    found, owners = np.empty(_MAX_FEATURES, np.int32), np.empty(_MAX_FEATURES, np.int32)
    ends = np.empty(N_BLOCKS, np.int64)
    stamps = np.full(n_buckets, -1, np.int32)
    total = 0
    for text in range(len(offsets) - 1):
        n_words = _read_words(
            points, offsets[text], offsets[text + 1], kinds, letters, leet, known, words, bounds, near
        )
        n_found = _find(
            words, bounds, n_words, skeleton, np.uint64(n_buckets - 1), stamps, text * N_BLOCKS, found, owners, ends
        )
        if total + n_found > len(out):
            return -1
        out[total : total + n_found] = found[:n_found]
        out_ends[text] = ends + total
        total += n_found
    return total


@_compiled
def _find_owned(
    points: Points,
    offsets: Offsets,
    kinds: npt.NDArray[np.uint8],
    letters: Points,
    leet: npt.NDArray[np.uint8],
    skeleton: npt.NDArray[np.uint8],
    known: npt.NDArray[np.uint32],
    n_buckets: int,
    words: Points,
    bounds: npt.NDArray[np.int32],
    near: npt.NDArray[np.bool_],
    found: npt.NDArray[np.int32],
    owners: npt.NDArray[np.int32],
    ends: npt.NDArray[np.int64],
) -> int:
    n_words: int = _read_words(points, offsets[0], offsets[1], kinds, letters, leet, known, words, bounds, near)
    stamps = np.full(n_buckets, -1, np.int32)
    _find(words, bounds, n_words, skeleton, np.uint64(n_buckets - 1), stamps, 0, found, owners, ends)
    return n_words


def find_words(
    points: Points,
    offsets: Offsets,
    kinds: npt.NDArray[np.uint8],
    letters: Points,
    leet: npt.NDArray[np.uint8],
    skeleton: npt.NDArray[np.uint8],
    known: npt.NDArray[np.uint32],
    n_buckets: int,
) -> tuple[list[str], npt.NDArray[np.int32], npt.NDArray[np.int32], list[int]]:
    """Of the first text, to explain it: words as read; of each feature its word and its bucket; where blocks end."""
    words, bounds = np.empty(_MAX_LETTERS, np.uint32), np.zeros(_MAX_WORDS, np.int32)
    near = np.empty(_MAX_WORDS, np.bool_)
    found, owners = np.empty(_MAX_FEATURES, np.int32), np.empty(_MAX_FEATURES, np.int32)
    ends = np.zeros(N_BLOCKS, np.int64)
    tables = (kinds, letters, leet, skeleton, known)
    n_words = _find_owned(points, offsets, *tables, n_buckets, words, bounds, near, found, owners, ends)
    read = ["".join(map(chr, words[bounds[i] : bounds[i + 1]].tolist())) for i in range(n_words)]
    return read, owners[: ends[-1]], found[: ends[-1]], ends.tolist()


@_compiled
def group_of(words: Points, n_points: int, roman_hindi: float) -> int:
    """2 if at least half of the letters are Devanagari, else 1 if the margin for Roman Hindi is positive, else 0."""
    n_devanagari = 0
    for i in range(n_points):
        if 0x0900 <= words[i] < 0x0980:
            n_devanagari += 1
    if n_points > 0 and 2 * n_devanagari >= n_points:
        return 2
    return 1 if roman_hindi > 0.0 else 0


@_compiled
def fingerprint_of(words: Points, bounds: npt.NDArray[np.int32], n_words: int, kinds: npt.NDArray[np.uint8]) -> int:
    """32 bits for the words of a text: emoji are none; 0 where there is no word."""
    hashed, n_hashed = _SEED, 0
    for word in range(n_words):
        if kinds[words[bounds[word]]] == _SYMBOL:
            continue
        n_hashed += 1
        for i in range(bounds[word], bounds[word + 1]):
            hashed = (hashed ^ np.uint64(words[i])) * _PRIME
        hashed = (hashed ^ np.uint64(_BLANK)) * _PRIME
    mixed = _mixed(hashed)
    return 0 if n_hashed == 0 else int(max(np.uint32(1), np.uint32(mixed ^ (mixed >> np.uint64(32)))))


@_compiled
def score_batch(
    points: Points,
    offsets: Offsets,
    kinds: npt.NDArray[np.uint8],
    letters: Points,
    leet: npt.NDArray[np.uint8],
    skeleton: npt.NDArray[np.uint8],
    known: npt.NDArray[np.uint32],
    weights: npt.NDArray[np.int16],
    scales: npt.NDArray[np.float64],
    biases: npt.NDArray[np.float64],
    slopes: npt.NDArray[np.float64],
    intercepts: npt.NDArray[np.float64],
    no_words: npt.NDArray[np.float64],
    out: npt.NDArray[np.float32],
    groups: npt.NDArray[np.uint8],
    fingerprints: npt.NDArray[np.uint32],
) -> None:
    """Probabilities of each text: out (n_texts, n_columns), column 0 any category; groups and fingerprints (n_texts,).

    weights (n_buckets, n_columns + 1): the last column tells Roman Hindi from English. A column's margin is
    biases[c] + scales[c] * sum over blocks of (block scale * sum of weights / sqrt(size)). Its probability is
    logistic(slopes[g, c] * margin + intercepts[g, c]) with g the text's group (0 English, 1 Roman Hindi,
    2 Devanagari). A text without a word gets `no_words` and group 0. No category exceeds column 0.
    """
    n_columns = out.shape[1]
    words, bounds = np.empty(_MAX_LETTERS, np.uint32), np.empty(_MAX_WORDS, np.int32)
    near = np.empty(_MAX_WORDS, np.bool_)
    found, owners = np.empty(_MAX_FEATURES, np.int32), np.empty(_MAX_FEATURES, np.int32)
    ends = np.empty(N_BLOCKS, np.int64)
    stamps = np.full(len(weights), -1, np.int32)
    margins = np.empty(n_columns + 1, np.float64)
    mask = np.uint64(len(weights) - 1)
    for text in range(len(offsets) - 1):
        n_words = _read_words(
            points, offsets[text], offsets[text + 1], kinds, letters, leet, known, words, bounds, near
        )
        fingerprints[text] = fingerprint_of(words, bounds, n_words, kinds)
        if n_words == 0:
            for c in range(n_columns):
                out[text, c] = no_words[c]
            groups[text] = 0
            continue
        _find(words, bounds, n_words, skeleton, mask, stamps, text * N_BLOCKS, found, owners, ends)
        margins[:] = 0.0
        begin = 0
        for block in range(N_BLOCKS):
            size = ends[block] - begin
            if size == 0:
                continue
            share = BLOCK_SCALES[block] / math.sqrt(size)
            for c in range(n_columns + 1):  # column by column: the sum stays in a register, the rows in the cache
                total = 0
                for i in range(begin, ends[block]):
                    total += weights[found[i], c]
                margins[c] += total * share
            begin = ends[block]
        for c in range(n_columns + 1):
            margins[c] = biases[c] + scales[c] * margins[c]
        group = group_of(words, bounds[n_words], margins[n_columns])
        groups[text] = group
        for c in range(n_columns):
            p = 1.0 / (1.0 + math.exp(-(slopes[group, c] * margins[c] + intercepts[group, c])))
            out[text, c] = p if c == 0 else min(np.float32(p), out[text, 0])


@_compiled
def fingerprint_batch(
    points: Points,
    offsets: Offsets,
    kinds: npt.NDArray[np.uint8],
    letters: Points,
    leet: npt.NDArray[np.uint8],
    known: npt.NDArray[np.uint32],
    out: npt.NDArray[np.uint32],
) -> None:
    """`fingerprint_of` each text, (n_texts,)."""
    words, bounds = np.empty(_MAX_LETTERS, np.uint32), np.empty(_MAX_WORDS, np.int32)
    near = np.empty(_MAX_WORDS, np.bool_)
    for text in range(len(offsets) - 1):
        n_words = _read_words(
            points, offsets[text], offsets[text + 1], kinds, letters, leet, known, words, bounds, near
        )
        out[text] = fingerprint_of(words, bounds, n_words, kinds)
