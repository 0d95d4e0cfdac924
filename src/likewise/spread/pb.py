"""
Perspective Broker: begin with :class:`PBServerFactory` and :class:`PBClientFactory`.

The names are those of ``twisted.spread.pb``. Constants that programs change (:data:`MAX_BROKER_REFS`) are read when a
connection is made.
"""

from .banana import Banana
from .broker import Broker
from .ceilings import MAX_BROKER_REFS  # objects of ours that one peer may hold by reference
from .cred import AsReferenceable, Avatar, IPerspective, IUsernameMD5Password, challenge, respond
from .factories import PBClientFactory, PBServerFactory
from .failures import CopiedFailure, CopyableFailure, failure2Copyable
from .faults import DeadReferenceError, Error, PBConnectionLost, ProtocolError, RemoteError
from .flavors import (
    Cacheable,
    Copyable,
    IPBRoot,
    Jellyable,
    NoSuchMethod,
    Referenceable,
    RemoteCache,
    RemoteCacheObserver,
    RemoteCopy,
    Root,
    Serializable,
    Viewable,
    ViewPoint,
    copyTags,
    setCopierForClass,
    setCopierForClassTree,
    setFactoryForClass,
    setUnjellyableFactoryForClass,
    setUnjellyableForClass,
    setUnjellyableForClassTree,
)
from .interfaces import IJellyable, IUnjellyable
from .jelly import globalSecurity, jelly, unjelly
from .references import RemoteMethod, RemoteReference
from .tables import Local

portno = 8787

__all__ = [
    "MAX_BROKER_REFS",
    "AsReferenceable",
    "Avatar",
    "Banana",
    "Broker",
    "Cacheable",
    "CopiedFailure",
    "Copyable",
    "CopyableFailure",
    "DeadReferenceError",
    "Error",
    "IJellyable",
    "IPBRoot",
    "IPerspective",
    "IUnjellyable",
    "IUsernameMD5Password",
    "Jellyable",
    "Local",
    "NoSuchMethod",
    "PBClientFactory",
    "PBConnectionLost",
    "PBServerFactory",
    "ProtocolError",
    "Referenceable",
    "RemoteCache",
    "RemoteCacheObserver",
    "RemoteCopy",
    "RemoteError",
    "RemoteMethod",
    "RemoteReference",
    "Root",
    "Serializable",
    "ViewPoint",
    "Viewable",
    "challenge",
    "copyTags",
    "failure2Copyable",
    "globalSecurity",
    "jelly",
    "portno",
    "respond",
    "setCopierForClass",
    "setCopierForClassTree",
    "setFactoryForClass",
    "setUnjellyableFactoryForClass",
    "setUnjellyableForClass",
    "setUnjellyableForClassTree",
    "unjelly",
]
