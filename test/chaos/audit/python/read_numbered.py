"""
Reads whole topics with librdkafka, committed records only, and prints the value of each: a line of topic, partition and value, in the
order of the partition.

Standard input: {"brokers", "topics": [name]}.
"""

import json
import sys

from committed import ends_of, open_consumer, read_topic
from confluent_kafka.admin import AdminClient


def main() -> None:
    order = json.load(sys.stdin)
    client = {"bootstrap.servers": order["brokers"]}
    admin = AdminClient(client)
    consumer = open_consumer(client)
    known = admin.list_topics(timeout=30).topics
    for topic in order["topics"]:
        for message in read_topic(consumer, topic, ends_of(admin, topic, len(known[topic].partitions))):
            value = message.value()
            print(topic, message.partition(), "" if value is None else value.decode())
    consumer.close()


main()
