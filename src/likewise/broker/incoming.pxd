# cython: language_level=3
# Types for the compiled build of incoming.py; the code is there.

cimport cython

from likewise.broker.events cimport call_received
from likewise.broker.messages cimport read_luid
from likewise.broker.names cimport method_name
from likewise.broker.outbox cimport Outbox
from likewise.broker.entries cimport Exported
from likewise.broker.tables cimport Tables
from likewise.jelly.decoder cimport Decoder
from likewise.wire.framer cimport Frame

cdef list _idle


cdef class IncomingMessages:
    cdef Tables _tables
    cdef Outbox _outbox
    cdef Py_ssize_t _name_limit
    cdef Py_ssize_t _faults
    cdef Py_ssize_t _given_back
    cdef public object registry
    cdef public object decoder
    cdef readonly object record

    @cython.locals(decoder=Decoder)
    cpdef handle(self, Frame frame)
    @cython.locals(count=Py_ssize_t, word=bytes)
    cdef _by_word(self, Decoder decoder, Frame frame)
    @cython.locals(start=Py_ssize_t, exported=Exported, name=str, is_raw=bint, want_answer=bint, raw_name=bytes)
    cdef _call(self, Decoder decoder, Frame frame, bint to_cache)
    @cython.locals(start=Py_ssize_t)
    cdef _settle(self, Decoder decoder, Frame frame, bint is_error)
    cdef _released(self, bytes word, luid, str because)
    cdef _salvage(self, Decoder decoder, Frame frame, Py_ssize_t start)
    cdef _fault(self, what)
