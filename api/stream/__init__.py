"""What happens, as it happens: the WebSocket, its channels, and what each socket has still to be sent.

May import the nouns and what is below them. Begin with `socket.py`: one client; `account_feed.py` is one account.
"""
