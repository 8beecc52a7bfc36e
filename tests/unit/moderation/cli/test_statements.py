"""Commands that print statements and notices."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from moderation.cli import statements as cli
from moderation.publiclog import proving
from streams.errors import CallerMistake
from streams.explain import sources
from streams.explain.hashtag_report import HashtagReport
from streams.flags.overrides import OverrideHistory
from streams.settings import Settings
from tests.support.in_memory_public_log import InMemoryPublicLog
from tests.support.statement_builders import (
    ORDER,
    RULES,
    account,
    decided,
    decision,
    ruling,
    suspended,
)


@pytest.mark.parametrize("arguments", [[], ["--lang", "hi"], ["--json"]])
def test_statement_command_prints_text_or_json(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    async def gather_report(settings: Settings, hashtag: str, country: str | None) -> tuple[HashtagReport, str]:
        return (account([decision(ruling())]) if hashtag == "rumour" else account([])), "Redis does not answer"

    monkeypatch.setattr(sources, "gather_report", gather_report)
    monkeypatch.setattr(proving, "KafkaLog", lambda settings: InMemoryPublicLog())
    app = typer.Typer()
    cli.register(app)
    result = CliRunner().invoke(app, ["statement", "#RUMOUR", *arguments])
    assert result.exit_code == 0, result.output
    assert "Redis does not answer" in result.stderr
    if arguments == ["--json"]:
        notice = json.loads(result.stdout)
        assert (notice["dsa"]["puid"], set(notice["text"])) == (notice["reference"], {"en", "hi"})
        assert (notice["proof"], notice["proof_note"]) == (None, proving.NO_LOG)
    else:
        assert ("अपील" in result.stdout) is bool(arguments)
    assert CliRunner().invoke(app, ["statement", "nothing"]).exit_code == 3


def test_notice_command_prints_notice_or_statements(monkeypatch: pytest.MonkeyPatch) -> None:
    async def read_overrides(settings: Settings) -> OverrideHistory:
        return decided(confidential=False)

    monkeypatch.setattr(sources, "read_overrides", read_overrides)
    monkeypatch.setattr(proving, "KafkaLog", lambda settings: InMemoryPublicLog())
    app = typer.Typer()
    cli.register(app)
    asked = ["--recipient", "Example", "--site", "https://example.org/"]
    notice = json.loads(CliRunner().invoke(app, ["notice", ORDER, *asked]).stdout)["notice"]
    assert notice["title"] == "Legal order from Ministry of Examples to Example"
    urls = [url["url"] for work in notice["works_attributes"] for url in work["infringing_urls_attributes"]]
    assert "https://example.org/i/user/1001" in urls
    lines = CliRunner().invoke(app, ["notice", ORDER, *asked, "--statements"]).stdout.splitlines()
    tag, withheld = map(json.loads, lines)
    assert (tag["restriction"]["kind"], withheld["restriction"]["kind"]) == ("hashtag", "account")
    assert "Everywhere else it is." in withheld["text"]["en"], "no other order or suspension names it"
    assert isinstance(CliRunner().invoke(app, ["notice", "IN-ffffffffff", *asked]).exception, CallerMistake)


def test_submit_prints_batches_and_needs_clause(monkeypatch: pytest.MonkeyPatch) -> None:
    views = [suspended(1, 101, count=120), suspended(1, 1), *[decided(confidential=False)] * 2]

    async def read_overrides(settings: Settings) -> OverrideHistory:
        return views.pop(0)

    monkeypatch.setattr(sources, "read_overrides", read_overrides)
    app = typer.Typer()
    cli.register(app)
    asked = ["notice", ORDER, "--recipient", "Example", "--site", "https://example.org", "--submit"]
    monkeypatch.setenv("HUSHTAG_ACCOUNT_RULES", RULES)
    lines = CliRunner().invoke(app, asked).stdout.splitlines()
    assert [len(json.loads(line)["statements"]) for line in lines] == [100, 1]
    monkeypatch.delenv("HUSHTAG_ACCOUNT_RULES")
    assert "HUSHTAG_ACCOUNT_RULES" in str(CliRunner().invoke(app, asked).exception)
    refused = CliRunner().invoke(app, asked)
    assert (refused.exit_code, refused.stdout) == (3, "")
    assert "2 without a statement: restricted by a legal order" in refused.stderr
    monkeypatch.setattr("moderation.domain.restrictions.collection.order_restrictions", lambda case, at_ms: [])
    idle = CliRunner().invoke(app, asked)
    assert (idle.exit_code, idle.stdout) == (3, "") and "nothing is restricted now" in idle.stderr
