"""Candles: what a symbol's mid did."""
