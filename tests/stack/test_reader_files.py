"""The files by which programs read from an instance's broker say the same to librdkafka and to Java."""

from confluent_kafka import Consumer

from stack.access import READER, client_file, java_client_file

BROKERS = "127.0.0.1:19092"


def options_in(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


def test_librdkafka_takes_every_line_of_its_file() -> None:
    options = options_in(client_file(BROKERS, READER, "a-password"))
    Consumer({**options, "group.id": "any"}).close()
    assert options["sasl.password"] == "a-password"


def test_the_file_for_java_has_the_login_in_the_line_that_java_reads_and_in_no_other() -> None:
    options = options_in(java_client_file(BROKERS, READER, "a-password"))
    assert options == {
        "bootstrap.servers": BROKERS,
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "SCRAM-SHA-256",
        "sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required "
        'username="reprise-reader" password="a-password";',
    }
