"""The local stack: a real Apache Kafka and a real Valkey from pip packages, for demo, tests and benchmarks."""

from streams.stack.errors import StackError
from streams.stack.kafka_server import KafkaServer
from streams.stack.local import LocalStack
from streams.stack.valkey_server import ValkeyServer

__all__ = ["KafkaServer", "LocalStack", "StackError", "ValkeyServer"]
