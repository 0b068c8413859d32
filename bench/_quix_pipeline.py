"""The pipeline itself. It runs in an environment that has Quix Streams, and not this project."""

import logging
import sys


def main(brokers: str, source: str, target: str, group: str, count: int) -> None:
    """Count the records of each key in state, and write one record for each."""
    from quixstreams import Application  # type: ignore[import-not-found]  # noqa: PLC0415

    app = Application(
        broker_address=brokers,
        consumer_group=group,
        auto_offset_reset="earliest",
        auto_create_topics=True,  # Its changelog.
        loglevel=logging.WARNING,
    )
    records = app.dataframe(
        app.topic(source, key_deserializer="bytes", value_deserializer="bytes"),
    )

    def counted(value: bytes, state: object) -> bytes:
        state.set("count", state.get("count", 0) + 1)  # type: ignore[attr-defined]
        return value

    records = records.apply(counted, stateful=True)
    records.to_topic(app.topic(target, key_serializer="bytes", value_serializer="bytes"))
    app.run(count=count)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]))
