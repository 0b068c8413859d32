"""The trading screen as it was built: its files, and the closed list of addresses that show it.

May import `http`. Begin with `pages.install`.
"""
