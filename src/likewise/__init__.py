"""
Live Python objects shared between processes: by copy, by cache, or by reference.

Perspective Broker for asyncio, wire-compatible with Twisted's.
"""

from .asyncio.client import connect
from .asyncio.connection import Connection
from .asyncio.credentials import Anonymous, Certificate, Password, Token
from .asyncio.login import Login
from .asyncio.passwords import Argon2Passwords, ScramPasswords, Tokens
from .asyncio.server import Server, serve
from .asyncio.tls import TLS
from .errors import (
    CallError,
    CannotConnect,
    ConnectionClosed,
    Error,
    InsecureJelly,
    LikewiseError,
    LimitExceeded,
    LocalProtocolError,
    LoginFailed,
    LoginRefused,
    NoSuchMethod,
    NotExecuted,
    NotSendable,
    ProtocolError,
    RemoteError,
    RemoteProtocolError,
    TooManyCalls,
    WrongThread,
)
from .jelly.basics import Unpersistable
from .jelly.checked import checked
from .jelly.registry import (
    Registry,
    adopt,
    copyable,
    default_registry,
    setUnjellyableFactoryForClass,
    setUnjellyableForClass,
    setUnjellyableForClassTree,
)
from .limits import Limits
from .objects.by_cache import Cacheable, RemoteCache, RemoteCacheObserver
from .objects.by_copy import Copyable, RemoteCopy
from .objects.by_reference import (
    AsReferenceable,
    Avatar,
    Referenceable,
    RemoteMethod,
    RemoteReference,
    Root,
    Viewable,
    ViewPoint,
)
from .objects.interfaces import one_way
from .objects.observers import Observers
from .objects.paging import PageCollector, get_all_pages, send_pages
from .objects.published import Publishable, RemotePublished
from .objects.serves import serves
from .objects.streams import Stream
from .trace import Record
from .wire.build import is_compiled

__version__ = "0.1.0"

__all__ = (
    "Anonymous",
    "Argon2Passwords",
    "AsReferenceable",
    "Avatar",
    "Cacheable",
    "CallError",
    "CannotConnect",
    "Certificate",
    "Connection",
    "ConnectionClosed",
    "Copyable",
    "Error",
    "InsecureJelly",
    "LikewiseError",
    "LimitExceeded",
    "Limits",
    "LocalProtocolError",
    "Login",
    "LoginFailed",
    "LoginRefused",
    "NoSuchMethod",
    "NotExecuted",
    "NotSendable",
    "Observers",
    "PageCollector",
    "Password",
    "ProtocolError",
    "Publishable",
    "Record",
    "Referenceable",
    "Registry",
    "RemoteCache",
    "RemoteCacheObserver",
    "RemoteCopy",
    "RemoteError",
    "RemoteMethod",
    "RemoteProtocolError",
    "RemotePublished",
    "RemoteReference",
    "Root",
    "ScramPasswords",
    "Server",
    "Stream",
    "TLS",
    "Token",
    "Tokens",
    "TooManyCalls",
    "Unpersistable",
    "ViewPoint",
    "Viewable",
    "WrongThread",
    "adopt",
    "checked",
    "connect",
    "copyable",
    "default_registry",
    "get_all_pages",
    "is_compiled",
    "one_way",
    "send_pages",
    "serve",
    "serves",
    "setUnjellyableFactoryForClass",
    "setUnjellyableForClass",
    "setUnjellyableForClassTree",
)
