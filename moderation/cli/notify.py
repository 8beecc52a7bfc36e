"""`hushtag notify`: send notifications by webhook and e-mail; `hushtag notify test CHANNEL`: try a channel."""

from __future__ import annotations

import asyncio
import json
import secrets
from pathlib import Path
from typing import Annotated

import typer

from moderation.cli.options import Json, MetricsPort
from streams.errors import CallerMistake, DependencyAway
from streams.settings import load_settings

ConfigFile = Annotated[
    Path, typer.Option("--config", envvar="HUSHTAG_NOTIFY", help="File of the channels.", metavar="FILE")
]
_CONFIG = Path("config/notify.yaml")


def register(app: typer.Typer) -> None:
    """Add the group `notify` to the command."""
    group = typer.Typer(invoke_without_command=True, help="Notifications by webhook and e-mail.")
    group.callback()(notify)
    group.command("test")(send_trial)
    app.add_typer(group, name="notify")


def notify(
    context: typer.Context,
    config: ConfigFile = _CONFIG,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be sent now, and send and record nothing.")
    ] = False,
    metrics_port: MetricsPort = 9466,
    as_json: Json = False,
) -> None:
    """Send notifications until stopped: holds about to lapse, deadlines, decided appeals, statements, decisions.

    The file names the channels and what each of them sends. Events before the first start are not reported. What was
    sent is kept in the topic `notifications`, so a restart repeats nothing that was delivered.
    """
    if context.invoked_subcommand is not None:
        context.obj = config
        return
    from moderation.outward.notify.config import load_notify_config
    from moderation.outward.notify.process import planned_now, run_notifier
    from streams.logs import configure_logging

    settings, chosen = load_settings(), load_notify_config(config)
    if dry_run:
        messages = asyncio.run(planned_now(settings, chosen))
        for message in messages:
            if as_json:
                head = {"channel": message.channel, "event": message.event, "id": message.id}
                content = {"notices": list(message.notices), "subject": message.subject, "body": message.body}
                print(json.dumps(head | content, ensure_ascii=False))
            else:
                print(f"{message.channel}: {message.event}, {_count(len(message.notices))}, {message.id}")
                print("\n".join(f"  {line}" for line in [message.subject, *message.body.splitlines()] if line))
        if not messages and not as_json:
            print("nothing to send now" if chosen.channels else f"{config} has no channels")
        return
    configure_logging(settings.log_level)
    asyncio.run(run_notifier(settings, chosen, metrics_port))


def send_trial(
    context: typer.Context,
    channel: Annotated[str, typer.Argument(help="Name of the channel in the file.", metavar="CHANNEL")],
    config: Annotated[
        Path | None,
        typer.Option("--config", help="File of the channels.", metavar="FILE", show_default="that of hushtag notify"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Send a test message to one channel; exits with 1 if it is not delivered."""
    from moderation.outward.notify.channels import ChannelAway, MessageRefused, channels_of
    from moderation.outward.notify.config import load_notify_config
    from moderation.outward.notify.content import trial_content
    from streams.clock import now_ms

    file: Path = config or context.obj
    settings, chosen = load_settings(), load_notify_config(file)
    if channel not in chosen.channels:
        names = ", ".join(chosen.channels) or "none yet"
        raise CallerMistake(f"{file} has no channel {channel[:40]!r}", fix=f"use one of its channels: {names}")
    only = chosen.model_copy(update={"channels": {channel: chosen.channels[channel]}})
    at_ms, name = now_ms(), f"msg_{secrets.token_hex(16)}"
    content = trial_content(channel, at_ms)
    receiver = channels_of(only, settings)[channel]
    try:
        asyncio.run(receiver.send(name, content.subject, content.body, at_ms))
    except (ChannelAway, MessageRefused) as error:
        raise DependencyAway(f"channel {channel}: {error}", fix="check its address, its key and its server") from None
    answer = {"channel": channel, "id": name, "delivered": True}
    print(json.dumps(answer) if as_json else f"{channel}: delivered, {name}")


def _count(notices: int) -> str:
    return "1 notice" if notices == 1 else f"{notices} notices"
