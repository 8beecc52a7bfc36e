"""Names of the live policy, read from the topic `policy`: what commands and the API check their input against."""

from __future__ import annotations

from streams.clock import monotonic_seconds
from streams.errors import CallerMistake
from streams.log.policies import PolicyTopic, read_policy_topic
from streams.policy import parse_policy
from streams.policy.names import PolicyNames
from streams.settings import Settings

FRESH_SECONDS = 2.0
"""Age up to which a long-running process uses the names again without reading."""


async def read_policy_names(settings: Settings) -> PolicyNames:
    """Read the surfaces and categories of the live policy; raises the errors of `LivePolicyNames.read`."""
    return await LivePolicyNames(settings).read()


class LivePolicyNames:
    """Surfaces and categories of the live policy, for a process that asks often; follows changes of the policy."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topic: PolicyTopic | None = None
        self._read_at = 0.0

    async def read(self) -> PolicyNames:
        """Return the names, at most `FRESH_SECONDS` old.

        Before any policy is live, the file of HUSHTAG_POLICY counts: the first worker proposes it.

        Raises:
            CallerMistake: no policy is live, and the file cannot be read.
            PolicyError: no policy is live, and the file is wrong.
            DependencyAway: Kafka does not answer.
            TopicsError: the topic does not exist.
        """
        topic = self._topic
        if topic is None or topic.live is None or monotonic_seconds() - self._read_at > FRESH_SECONDS:
            topic = self._topic = await read_policy_topic(self._settings, topic)
            self._read_at = monotonic_seconds()
        return _names_of_file(self._settings) if topic.live is None else PolicyNames.from_canonical(topic.live.policy)


def _names_of_file(settings: Settings) -> PolicyNames:
    try:
        text = settings.policy.read_bytes()
    except OSError as error:
        raise CallerMistake(
            f"no policy is live yet, and {settings.policy} cannot be read: {error.strerror}",
            fix="start a worker, which puts its policy live; or set HUSHTAG_POLICY to a policy file",
        ) from None
    return PolicyNames.of(parse_policy(text, str(settings.policy)))
