"""What happens, as it happens: the WebSocket, and the bus inside the process that it and others listen to."""
