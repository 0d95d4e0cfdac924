"""The vectors of likewise-1's values, which are there for other languages too: written, read and refused as they say."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

import pytest

from likewise.errors import InsecureJelly
from likewise.jelly.decoder import Decoder
from likewise.jelly.expressions import to_frame
from likewise.limits import Limits
from likewise.wire.tokens import LIKEWISE_1
from tests import sexp
from tests.programs import ROOT
from tests.wire_pages import encoded, registry, shown, values

VECTORS = json.loads((ROOT / "tests" / "vectors" / "values.json").read_text(encoding="utf-8"))


def read(data: bytes) -> Any:
    known = registry()
    known.accept(KeyError)
    return Decoder(to_frame(data), known, None, Limits()).decode()


@pytest.mark.parametrize("vector", VECTORS["values"], ids=lambda vector: vector["python"])
def test_a_value_is_written_and_read(vector: dict[str, str]) -> None:
    value, data = eval(vector["python"], values()), bytes.fromhex(vector["hex"])
    assert encoded(value, LIKEWISE_1) == data == sexp.encode(sexp.parse(vector["text"]))
    assert shown(data) == vector["text"]
    back = read(data)
    assert type(back) is type(value) and encoded(back, LIKEWISE_1) == data
    if isinstance(value, KeyError):
        assert back.args == value.args
    elif not isinstance(value, Decimal) and not (isinstance(value, complex) and math.isnan(value.imag)):
        assert back == value
    if isinstance(value, list):
        assert back[0] is back[1]


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda vector: vector["text"])
def test_what_is_no_value_is_refused(vector: dict[str, str]) -> None:
    data = bytes.fromhex(vector["hex"])
    assert data == sexp.encode(sexp.parse(vector["text"]))
    with pytest.raises(InsecureJelly):
        read(data)
