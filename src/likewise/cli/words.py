"""
Errors of the library as a command says them: what a program would write becomes what is typed.

The library's texts say which argument of ``connect()`` is the remedy. Somebody at a prompt has options instead.
"""

from __future__ import annotations

import re
from typing import Final

ISSUERS: Final = r"TLS\(ca=\.\.\.\) at a client and TLS\(client_ca=\.\.\.\) at a server name whom to believe"
SHOW_ONE: Final = "a client certificate: show one with --cert and --key"
REGISTER: Final = (
    r": there, call likewise\.setUnjellyableForClass\(.*?\), or import the module of its @likewise\.copyable dataclass;"
    r" an endpoint with accept=\.\.\. counts only what is listed there"
)

SECRET_WORDS: Final = tuple(
    (re.compile(said), typed)
    for said, typed in (
        (r"TLS\(server_name=\.\.\.\) names", "--server-name says"),
        (ISSUERS, "--ca says whom to believe"),
        (r"a client certificate: TLS\(certificate=\.\.\., key=\.\.\.\)", SHOW_ONE),
        (r"TLS\(ca=('.*?')\)", r"--ca \1"),
        (r"say Password\(\.\.\., plain=True\) if", "say --plain if"),
        (r", and login=", ", and --user"),
        (r"likewise\.connect\(\.\.\., login=\.\.\.\)", "see likewise call --help"),
        (REGISTER, "; --import names a module that registers what may come here"),
        (r" \(likewise\.Limits\(\w+=\.\.\.\) sets it\)", ""),
    )
)
"""Regular expressions for what the library says, and what stands in their place."""


def typed(text: str) -> str:
    """A text of the library's in the words of the command line."""
    for said, instead in SECRET_WORDS:
        text = said.sub(instead, text)
    return text


__all__ = ("typed",)
