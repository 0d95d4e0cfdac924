"""
Perspective Broker for Twisted: what ``twisted.spread`` offers, on the codec and the broker of likewise.

Replace ``from twisted.spread import pb`` by ``from likewise.spread import pb``; everything else stays. The reactor,
Deferreds, ``twisted.cred`` and Failures are Twisted's own; ``twisted.spread`` is never imported.

:mod:`.pb`, :mod:`.jelly`, :mod:`.banana`, :mod:`.flavors`, :mod:`.publish`, :mod:`.util` and :mod:`.interfaces` have the
public names of Twisted's modules; the other modules here are how they are made.
"""
