"""Local stack: a real Apache Kafka and a real Valkey from pip packages, for demo, tests and benchmarks."""

from devkit.stack.errors import StackError
from devkit.stack.kafka_cluster import KafkaCluster
from devkit.stack.kafka_node import KafkaNode, Listener
from devkit.stack.kafka_server import KafkaServer
from devkit.stack.local import LocalStack
from devkit.stack.valkey_server import ValkeyServer

__all__ = ["KafkaCluster", "KafkaNode", "KafkaServer", "Listener", "LocalStack", "StackError", "ValkeyServer"]
