"""The commands of `reprise`, above everything else.

It may import every package; a command imports what it calls when it is called.
Begin with main.py, which lists the groups of commands.
"""
