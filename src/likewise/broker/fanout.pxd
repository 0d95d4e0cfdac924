# cython: language_level=3
# Types for the compiled build of fanout.py; the code is there.

cimport cython

from likewise.broker.outbox cimport Outbox

cdef class Written:
    cdef readonly bytes tail
    cdef readonly object error
    cdef readonly bint is_for_one

@cython.locals(outbox=Outbox, written=Written, tail=bytes, count=Py_ssize_t)
cpdef publish(observers, name, tuple args, dict kwargs)
cdef queue(Outbox outbox, bytes head, bytes tail)
