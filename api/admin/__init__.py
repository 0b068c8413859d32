"""What administrators see and change: instruments, halts, exposure, liquidations to come, feed and lag."""
