"""Read a text's words in one pass over its code points.

URLs, handles, hashtags and numbers are skipped: a hashtag must not influence its own score. Letters are folded (case,
accents, look-alikes, digits that represent letters; `models.characters`), and runs of a letter are cut to two. Words
written letter by letter are rejoined (`models.kernels.spaced_letters`), and so are the parts of known words
(`models.kernels.known`).
"""

# ruff: noqa: SIM109  # comparisons, not `in`: numba makes one jump of them

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.characters import AT, BREAK, DIGIT, HASH, LEET, LEET_SIZE, LETTER, MARK, SKIP, STAR, SYMBOL
from models.compiled import compiled, inlined
from models.kernels.known import rejoined, spelt_out
from models.kernels.points import ASTERISK, BLANK, INDIC, MAX_POINTS, Points
from models.kernels.spaced_letters import joined, without_stars
from models.kernels.urls import url_end


@inlined
def _is_wordish(kind: int) -> bool:
    return kind == LETTER or kind == MARK or kind == DIGIT


@compiled
def read_words(
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
    """Fill `out` with the folded letters of one text's words, word i being out[bounds[i]:bounds[i + 1]].

    A word is a run of letters, marks, digits and stars, or one symbol (emoji). `near` receives for each word whether a
    single sign separates it from the previous word. Returns the number of words.
    """
    n_words, used, at, word_end = 0, 0, start, -2
    end = min(end, start + MAX_POINTS)
    bounds[0] = 0
    # The last `spaced` words have one letter each and are one sign apart; the last of them ends at `spaced_end`.
    spaced, spaced_end, by_blanks, torn = 0, -1, True, False
    while at < end:
        kind = kinds[points[at]]
        if kind == BREAK:
            at += 1
            continue
        if kind == HASH or kind == AT:
            at += 1
            while at < end and (_is_wordish(kinds[points[at]]) or kinds[points[at]] == SKIP or points[at] == 0x5F):
                at += 1
            continue
        if kind == SYMBOL:
            n_words, spaced = joined(out, bounds, n_words, spaced, by_blanks and not torn), 0
            out[used] = points[at]
            used += 1
            near[n_words], word_end = False, -2  # nothing is joined across it
            n_words += 1
            bounds[n_words] = used
            at += 1
            continue
        if kind == LETTER:
            after = url_end(points, at, end)
            if after > at:
                at = after
                continue
        elif kind != DIGIT and kind != LEET and kind != STAR and kind != MARK:
            if kind == SKIP and at == spaced_end + 1:
                spaced_end += 1
            at += 1
            continue
        follows = spaced > 0 and at == spaced_end + 1
        if follows and kind == MARK:  # a mark alone belongs to the letter that it was separated from
            out[used] = letters[points[at]]
            used += 1
            bounds[n_words] = used
            at += 1
            spaced_end, word_end, torn = at, at, True
            continue
        begin, word_start, n_letters, n_stars, n_digits, run, n_parted, masked = used, at, 0, 0, 0, 0, 0, False
        before = np.uint32(0)
        while at < end:
            kind = kinds[points[np.uint64(at)]]  # an unsigned index needs no test for a negative one
            if kind != LETTER and kind != MARK:
                break
            letter = letters[points[np.uint64(at)]]
            at += 1
            n_letters += kind == LETTER
            run = run + 1 if letter == before else 1
            before = letter
            out[np.uint64(used)] = letter  # without a jump, as runs come at random; the next letter overwrites it
            used += run <= 2
        is_end = at == end or (
            kind == BREAK and (points[np.uint64(at)] >= LEET_SIZE or leet[points[np.uint64(at)]] == 0)
        )
        if n_letters > 1 and spaced == 0 and kinds[points[word_start]] == LETTER and is_end:
            # A plain word, as most are: none of the rules below applies.
            near[n_words] = n_words > 0 and word_start <= word_end + 1
            word_end = at
            n_words += 1
            bounds[n_words] = used
            continue
        while at < end:
            kind = kinds[points[at]]
            if kind == SKIP:
                at += 1
                continue
            if kind == LETTER or kind == MARK or kind == STAR:
                letter = letters[points[at]]
            elif points[at] < LEET_SIZE and leet[points[at]] != 0:
                # It represents a letter between letters; so does $ at either end of a word, and one digit at the end
                # of a long word. Elsewhere a digit is a digit.
                ahead = at + 1
                while ahead < end and ahead < at + 4 and points[ahead] < LEET_SIZE and leet[points[ahead]] != 0:
                    ahead += 1
                opens = ahead < end and kinds[points[ahead]] == LETTER
                dollar = points[at] == 0x24
                closes = kind == DIGIT and ahead == at + 1 and (ahead == end or not _is_wordish(kinds[points[ahead]]))
                if (
                    (n_letters > 0 and (opens or dollar))
                    or (dollar and opens)
                    or (closes and n_letters > 2 and n_digits == 0)
                ):
                    letter = np.uint32(leet[points[at]])
                    kind = LETTER
                elif kind == DIGIT:
                    letter = points[at]
                else:
                    break
            elif kind == DIGIT:
                letter = points[at]
            else:
                break
            if kind == LETTER:
                n_letters += 1
                n_parted += used > begin and out[used - 1] == ASTERISK
            elif kind == STAR:
                n_stars += 1
                masked = masked or (at > word_start and kinds[points[at - 1]] == STAR)  # f**n
            elif kind == DIGIT:
                n_digits += 1
            at += 1
            run = run + 1 if used > begin and out[used - 1] == letter else 1
            if run <= 2:
                out[used] = letter
                used += 1
        if at == word_start:  # a sign that turned out to be no part of a word
            at += 1
        # No word begins with a vowel sign: it and the letters after it belong to the previous word.
        torn_off = n_words > 0 and used > begin and n_stars == 0 and n_digits == 0
        torn_off = (
            torn_off
            and out[begin - 1] >= INDIC
            and (
                (kinds[points[word_start]] == MARK and word_start <= word_end + 1)
                or (torn and spaced > 0 and word_start == spaced_end)
            )
        )
        alone = n_letters == 1 and n_stars == 0 and n_digits == 0 and not torn_off
        blank = follows and (points[spaced_end] == BLANK or kinds[points[spaced_end]] == SKIP)
        if not (alone and follows and (spaced == 1 or blank == by_blanks)):
            n_words, spaced = joined(out, bounds, n_words, spaced, by_blanks and not torn), 0
        if torn_off:
            bounds[n_words] = used
            word_end = at
            continue
        if n_letters == 0:  # a number, or stars
            used = begin
            continue
        if n_digits > 0:
            n_letters = spelt_out(out, begin, used, leet, known, n_letters)
        # w*o*r*d; in Indic scripts also of two letters, and a star may separate a letter from its own mark.
        parted = n_stars + 1 == n_letters or (n_parted > 0 and n_parted + 1 == n_letters and not masked)
        if (n_stars + 1 == n_letters and n_stars > 1) or (out[begin] >= INDIC and parted):
            used = without_stars(out, begin, used)
        if alone:
            by_blanks, torn = spaced == 0 or blank, spaced > 0 and torn
            spaced += 1
            spaced_end = at
        near[n_words] = n_words > 0 and word_start <= word_end + 1
        word_end = at
        n_words += 1
        bounds[n_words] = used
    n_words = joined(out, bounds, n_words, spaced, by_blanks and not torn)
    total: int = rejoined(out, bounds, near, n_words, kinds, known)
    return total
