"""Look-alike spellings of link domains and curated terms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.policy import parse_policy
from streams.policy.diff import differences
from streams.policy.look_alikes import DomainMatcher, ascii_of, host_in
from tests.support.policy_cases import GOOD

LOOKS = DomainMatcher([("evil-bank.example", "lookalike"), ("bücher.example", "lookalike")])
EXACT = DomainMatcher([("evil-bank.example", "exact")])


@pytest.mark.parametrize(
    "host",
    ["evil-bank.example", "www.evil-bank.example", "a.b.EVIL-BANK.example", "evil-bank.example.", "ｅvil-bank.example"],
)
def test_domain_matches_its_subdomains(host):
    assert EXACT.matches(host) and LOOKS.matches(host)


@pytest.mark.parametrize(
    "host",
    [
        "evilbank.example",
        "ev1l-bank.example",
        "еvil-bаnk.example",
        "evil--baank.example",
        "xn--vil-bank-b8g.example",
        "login.évil-bank.example",
    ],
)
def test_look_alike_domain_matches_only_lookalike_entry(host):
    assert LOOKS.matches(host) and not EXACT.matches(host)


@pytest.mark.parametrize(
    "host",
    ["bank.example", "notevil-bank.example", "evil-bank.example.org", "evil-bank.other", "example", "evil-bank", ""],
)
def test_other_domains_do_not_match(host):
    assert not LOOKS.matches(host) and not EXACT.matches(host)


def test_rn_and_vv_match_m_and_w():
    matcher = DomainMatcher([("modern-web.example", "lookalike"), ("swim.example", "lookalike")])
    assert all(map(matcher.matches, ("modem-web.example", "rnodem-vveb.example", "svvim.example", "svvirn.example")))


def test_punycode_equals_unicode_domain():
    assert all(map(LOOKS.matches, ("xn--bcher-kva.example", "BÜCHER.example", "bucher.example")))
    assert DomainMatcher([("xn--bcher-kva.example", "exact")]).matches("bücher.example")
    assert not DomainMatcher([("bücher.example", "exact")]).matches("bucher.example")


@given(st.text(max_size=40))
def test_matcher_accepts_any_text(host):
    assert LOOKS.matches(host) == LOOKS.matches(host)
    assert ascii_of(ascii_of(host)) == ascii_of(host) or "xn--" in ascii_of(host)
    host_in(host)


LISTED = GOOD.replace("copies: 0.3,", "copies: 0.3, links: 0.2,") + (
    "link_domains:\n  - {domain: Evil.example}\n  - {domain: bücher.example, match: exact}\n"
)


def test_link_domains_revision_ignores_spelling():
    policy, plain = parse_policy(LISTED, "p"), parse_policy(GOOD, "p")
    other = LISTED.replace("Evil.example", "evil.example.").replace("bücher", "xn--bcher-kva")
    assert parse_policy(other, "p") == policy and parse_policy(other, "p").links_revision == policy.links_revision
    assert type(policy).from_canonical(policy.canonical) == policy
    assert policy.links_revision and not plain.links_revision
    assert "link_domains" not in plain.canonical, "a policy without them keeps the revision that it had"
    assert policy.rule("abuse", "trends", "").corroboration.named == ("copies", "authors", "links")
    assert differences(plain, policy) == [
        "abuse: corroborate 1 of (copies 0.3, authors 100) → 1 of (copies 0.3, authors 100, links 0.2)",
        "link_domains: with evil.example (lookalike), xn--bcher-kva.example (exact)",
    ]
