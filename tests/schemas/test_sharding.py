"""An account's shard is the partition every Kafka client chooses for its key."""

import pytest

from schemas.sharding import _murmur2, shard_of

KAFKA_S_OWN = [  # org.apache.kafka.common.utils.UtilsTest
    ("21", -973932308),
    ("foobar", -790332482),
    ("a-little-bit-long-string", -985981536),
    ("a-little-bit-longer-string", -1486304829),
    ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
    ("abc", 479470107),
]


@pytest.mark.parametrize(("key", "signed"), KAFKA_S_OWN)
def test_cmd_02_murmur2_gives_kafka_s_own_test_vectors(key: str, signed: int) -> None:
    assert _murmur2(key.encode()) == signed % 2**32
    assert shard_of(key, 4) == (signed & 0x7FFFFFFF) % 4
    assert shard_of(key, 12) == (signed & 0x7FFFFFFF) % 12


def test_cmd_02_with_one_shard_every_account_is_in_shard_0() -> None:
    assert {shard_of(key, 1) for key, _ in KAFKA_S_OWN} == {0}
