# cython: language_level=3
# Types for the compiled build of core.py; the code is there.

cimport cython

from likewise.broker.events cimport CallReceived
from likewise.broker.incoming cimport IncomingMessages
from likewise.broker.link cimport Link
from likewise.broker.messages cimport luid_token, name_token
from likewise.broker.outbox cimport Outbox
from likewise.broker.tables cimport Tables
from likewise.wire.writer cimport int_token


cdef class Broker:
    cdef object __weakref__
    cdef readonly object side
    cdef readonly object driver
    cdef readonly object limits
    cdef readonly object owner
    cdef public bint speaks_early
    cdef readonly bint is_closed
    cdef public object reason
    cdef readonly Link link
    cdef readonly Tables tables
    cdef readonly Outbox outbox
    cdef readonly IncomingMessages incoming
    cdef object _accepted
    cdef object _unless_asked
    cdef list _callbacks
    cdef public bint has_more
    cdef public Py_ssize_t messages
    cdef Py_ssize_t _open_calls

    @cython.locals(is_early=bint, tables=Tables, request=Py_ssize_t)
    cpdef call(self, luid, method, tuple args, dict kwargs, perspective=*, bint want_answer=*, bint to_cache=*)
    cpdef answer(self, CallReceived call, value)
    cpdef fail(self, CallReceived call, error)
    cpdef receive_data(self, bytes data)
    @cython.locals(link=Link, handled=Py_ssize_t)
    cpdef next_event(self, Py_ssize_t patience=*)
    @cython.locals(link=Link, greeting=bytes)
    cpdef list data_to_send(self)
    @cython.locals(link=Link)
    cdef bint _may_speak_early(self) except -1
    cdef _release_dropped(self)
    cdef _greeted(self, dialect)
