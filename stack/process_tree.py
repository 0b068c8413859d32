"""Which processes one process has started, its own included."""

import psutil


def process_tree(pid: int) -> list[psutil.Process]:
    """A process and all that it started, as far as they run; nothing where it has ended."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
