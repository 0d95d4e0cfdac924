"""THE PROTOCOL: one class, :class:`~likewise.broker.core.Broker`, that does no I/O."""
