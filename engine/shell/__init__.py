"""The shell: the Faust app that hosts the core, reads commands, and commits events."""
