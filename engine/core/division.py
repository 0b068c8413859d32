"""The only two divisions in the core: a quotient is whole, and its rounding has a direction."""


def div_floor(dividend: int, divisor: int) -> int:
    """Round towards minus infinity: for what is given to a trader."""
    assert divisor > 0
    return dividend // divisor


def div_ceil(dividend: int, divisor: int) -> int:
    """Round towards plus infinity: for what is asked of a trader."""
    assert divisor > 0
    return -(-dividend // divisor)
