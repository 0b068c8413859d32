"""The exchange itself: integers only, no input or output, no clock."""
