"""Retractions the obvious way: plain sets, sharing no code with the cores."""

from __future__ import annotations

import json
from collections import defaultdict

from tests.support import naive

AHEAD = 120_000
MINUTE, SHORT = 60_000, 900_000


def read(lines):
    """The lines that are no notices; the set of (tag, country, pane, tweet, pane heard) that leaves counts; the set of
    (tweet, tag or None, country or None, pane heard) that leaves samples."""
    others, counted, hidden = [], set(), set()
    for line in lines:
        try:
            said = json.loads(line["value"])
        except (TypeError, ValueError):
            said = None
        log = line["log_time_ms"]
        heard = log // naive.PANE
        if isinstance(said, dict) and said.get("kind") == "delete":
            tweet, made, tags = said["id"], said.get("created_at_ms"), said.get("hashtags")
            if made is None or tags is None:
                hidden.add((tweet, None, None, heard))
            elif made - log <= naive.AHEAD and log - made <= naive.OLD:
                for tag in {tag.casefold() for tag in tags}:
                    counted.add((tag, said.get("country", ""), made // naive.PANE, tweet, heard))
                    hidden.add((tweet, tag, None, heard))
        elif isinstance(said, dict) and "delete" in said:
            hidden.add((said["delete"]["status"]["id_str"], None, None, heard))
        elif isinstance(said, dict) and "status_withheld" in said:
            for country in said["status_withheld"]["withheld_in_countries"]:
                hidden.add((said["status_withheld"]["id"], None, None if country == "XX" else country, heard))
        else:
            others.append(line)
    return others, counted, hidden


def tweets_of(lines):
    """The lines that are no notices."""
    return read(lines)[0]


def left(chosen, tag, scope, hidden, start, end):
    """Of a sample what is still there in a window [start, end)."""

    def gone(tweet):
        return any(
            (of_tag is None or of_tag == tag) and (country is None or country == scope)
            for of_tag, country, heard in hidden[tweet["id"]]
            if start - AHEAD <= heard * naive.PANE and (heard + 1) * naive.PANE <= end
        )

    return [(author, tweet) for author, tweet in chosen if not gone(tweet)]


def windows(lines, window, floor):
    """(tick, tag, country or *) → (tweets, authors) for all with `floor` tweets; a long window only on minutes."""
    others, counted, hidden_rows = read(lines)
    hidden = defaultdict(list)
    for tweet, *rest in hidden_rows:
        hidden[tweet].append(rest)
    panes = defaultdict(lambda: defaultdict(list))
    for tag, country, at, tweet in naive.uses(others):
        for scope in {country, "*"} - {""}:
            panes[at // naive.PANE][tag, scope].append(tweet)
    found = {}
    for last in range(min(panes), max(panes) + 1):
        end = (last + 1) * naive.PANE
        if window > SHORT and end % MINUTE:
            continue
        inside = range(last + 1 - window // naive.PANE, last + 1)
        for tag, scope in {key for one in inside if one in panes for key in panes[one]}:
            tweets = [tweet for one in inside if one in panes for tweet in panes[one].get((tag, scope), ())]
            gone = {
                (country, pane, tweet)
                for of_tag, country, pane, tweet, heard in counted
                if of_tag == tag and scope in (country, "*") and pane in inside and heard <= last
            }
            whole = naive.sample(tweets)
            kept = left(whole, tag, scope, hidden, inside[0] * naive.PANE, end)
            number = max(0, len(tweets) - len(gone))
            if number >= floor:
                authors = naive.authors(whole)
                found[end, tag, scope] = number, round(authors * (len(kept) / len(whole)))
    return found
