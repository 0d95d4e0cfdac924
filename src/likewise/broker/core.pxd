# cython: language_level=3
# Types for the compiled build of core.py; the code is there.

cimport cython

from likewise.broker.events cimport CallReceived, call_received
from likewise.broker.messages cimport luid_token, name_token, read_luid
from likewise.broker.names cimport method_name
from likewise.broker.outbox cimport Outbox
from likewise.broker.tables cimport Exported, Tables
from likewise.jelly.decoder cimport Decoder
from likewise.wire.framer cimport Frame, Framer
from likewise.wire.writer cimport int_token

cdef list _idle


cdef class Broker:
    cdef object __weakref__
    cdef readonly object side
    cdef readonly object driver
    cdef readonly object flavours
    cdef readonly object registry
    cdef readonly object limits
    cdef public tuple dialects
    cdef public object decoder
    cdef public bint speaks_early
    cdef readonly object owner
    cdef readonly object trace
    cdef readonly str peer
    cdef public object state
    cdef public object reason
    cdef readonly Tables tables
    cdef readonly Outbox outbox
    cdef Framer _framer
    cdef dict _waiting
    cdef Py_ssize_t _next_request
    cdef list _callbacks
    cdef Py_ssize_t _faults
    cdef Py_ssize_t _given_back
    cdef public bint has_more
    cdef public Py_ssize_t messages
    cdef public Py_ssize_t patience
    cdef Py_ssize_t _open_calls
    cdef Py_ssize_t _name_limit

    @cython.locals(is_early=bint)
    cpdef call(self, luid, method, tuple args, dict kwargs, perspective=*, bint want_answer=*, bint to_cache=*)
    cpdef answer(self, CallReceived call, value)
    cpdef fail(self, CallReceived call, error)
    cpdef receive_data(self, bytes data)
    @cython.locals(frame=Frame)
    cpdef next_event(self)
    cpdef list data_to_send(self)
    cdef _send_error(self, request, error)
    cdef _release_dropped(self)
    cdef _greeting(self, Frame frame)
    cdef _open(self, dialect)
    cdef _move(self, sender, move)
    @cython.locals(decoder=Decoder)
    cdef _message(self, Frame frame)
    @cython.locals(count=Py_ssize_t, word=bytes)
    cdef _handle(self, Decoder decoder, Frame frame)
    @cython.locals(start=Py_ssize_t, exported=Exported, name=str, is_raw=bint, want_answer=bint, raw_name=bytes)
    cdef _call(self, Decoder decoder, Frame frame, bint to_cache)
    @cython.locals(start=Py_ssize_t)
    cdef _settle(self, Decoder decoder, Frame frame, bint is_error)
    cdef _released(self, bytes word, luid, str because)
    cdef _salvage(self, Decoder decoder, Frame frame, Py_ssize_t start)
    cdef _fault(self, what)
