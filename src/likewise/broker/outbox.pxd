# cython: language_level=3
# Types for the compiled build of outbox.py; the code is there.

cimport cython

from likewise.broker.ceilings cimport Ceilings
from likewise.broker.tables cimport Tables
from likewise.jelly.encoder cimport Encoder

cdef list _idle


cdef class Outbox:
    cdef public Py_ssize_t answer_bytes
    cdef public unsigned long long thread
    cdef object _check
    cdef object _driver
    cdef Tables _tables
    cdef list _pieces
    cdef public bint may_send  # what is small lies together: each idle connection has all of it
    cdef public bint has_large
    cdef unsigned char _has_answers
    cdef unsigned char _is_over
    cdef unsigned char _has_peer_limits
    cdef unsigned char _may_wait
    cdef int _writing
    cdef list _after
    cdef readonly Ceilings ceilings

    @cython.locals(tables=Tables, ceilings=Ceilings, encoder=Encoder, has_large=bint, is_to_be_framed=bint, written=list)
    cpdef bint write(self, list pieces, value, dict kwargs, perspective, make=*) except -1
    cpdef queue(self, list pieces, bint has_large=*)
    cpdef queue_answer(self, list pieces, bint has_large=*)
    cpdef queue_shared(self, bytes head, bytes tail)
    cpdef list take(self)
    cpdef clear(self)
    cpdef check_thread(self, method=*, what=*)
    cdef _queue_after(self)
