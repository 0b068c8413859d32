"""Which shard an account belongs to, by Kafka's own murmur2 partitioner, and which shard readers take prices from."""

from typing import Final

# Every shard has the same instruments, feed and prices; who only reads them takes those of this one.
PRICE_SHARD: Final = 0

_SEED: Final = 0x9747B28C
_M: Final = 0x5BD1E995
_MASK: Final = 0xFFFFFFFF


def shard_of(account_id: str, shards: int) -> int:
    """Give the partition Kafka's clients choose for this key (`murmur2_random` in librdkafka)."""
    return (_murmur2(account_id.encode()) & 0x7FFFFFFF) % shards


def _murmur2(data: bytes) -> int:
    """32-bit murmur2 as org.apache.kafka.common.utils.Utils has it, unsigned."""
    length = len(data)
    state = (_SEED ^ length) & _MASK
    whole = length - length % 4
    for start in range(0, whole, 4):
        word = (int.from_bytes(data[start : start + 4], "little") * _M) & _MASK
        word = ((word ^ (word >> 24)) * _M) & _MASK
        state = ((state * _M) & _MASK) ^ word
    if length > whole:
        state = ((state ^ int.from_bytes(data[whole:], "little")) * _M) & _MASK
    state = ((state ^ (state >> 13)) * _M) & _MASK
    return state ^ (state >> 15)
