"""The asyncio DRIVER: sockets, timers, tasks."""
