"""Retractions the obvious way: plain sets, sharing no code with the cores."""

from __future__ import annotations

import json
from collections import defaultdict

from tests.support import naive

AHEAD = 120_000
MINUTE, SHORT = 60_000, 900_000


def read(lines):
    """Return the lines that are no notices, and two sets of retractions.

    The first has (tag, country, pane, tweet, received) rows that change counts; the second has (tweet, tag or None,
    country or None, received) rows that change samples. `received` is the pane of the notice.
    """
    others, counted, hidden = [], set(), set()
    for line in lines:
        try:
            notice = json.loads(line["value"])
        except (TypeError, ValueError):
            notice = None
        log = line["log_time_ms"]
        received = log // naive.PANE
        if isinstance(notice, dict) and notice.get("kind") == "delete":
            tweet, made, tags = notice["id"], notice.get("created_at_ms"), notice.get("hashtags")
            if made is None or tags is None:
                hidden.add((tweet, None, None, received))
            elif made - log <= naive.AHEAD and log - made <= naive.OLD:
                for tag in {tag.casefold() for tag in tags}:
                    counted.add((tag, notice.get("country", ""), made // naive.PANE, tweet, received))
                    hidden.add((tweet, tag, None, received))
        elif isinstance(notice, dict) and "delete" in notice:
            hidden.add((notice["delete"]["status"]["id_str"], None, None, received))
        elif isinstance(notice, dict) and "status_withheld" in notice:
            for country in notice["status_withheld"]["withheld_in_countries"]:
                hidden.add((notice["status_withheld"]["id"], None, None if country == "XX" else country, received))
        else:
            others.append(line)
    return others, counted, hidden


def tweets_of(lines):
    """Return the lines that are no notices."""
    return read(lines)[0]


def remaining(chosen, tag, scope, hidden, start, end):
    """Return what remains of a sample in a window [start, end)."""

    def gone(tweet):
        return any(
            (of_tag is None or of_tag == tag) and (country is None or country == scope)
            for of_tag, country, received in hidden[tweet["id"]]
            if start - AHEAD <= received * naive.PANE and (received + 1) * naive.PANE <= end
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
                for of_tag, country, pane, tweet, received in counted
                if of_tag == tag and scope in (country, "*") and pane in inside and received <= last
            }
            whole = naive.sample(tweets)
            kept = remaining(whole, tag, scope, hidden, inside[0] * naive.PANE, end)
            number = max(0, len(tweets) - len(gone))
            if number >= floor:
                authors = naive.authors(whole)
                found[end, tag, scope] = number, round(authors * (len(kept) / len(whole)))
    return found
