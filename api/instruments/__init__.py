"""Instruments: what may be traded, and within which bounds."""
