# cython: language_level=3
# Types for the compiled build of fanout.py; the code is there.

cimport cython

from likewise.broker.outbox cimport Outbox

@cython.locals(tail=bytes, is_long=bint, thread=cython.ulonglong)
cpdef publish(observers, name, tuple args, dict kwargs, perspective)
cdef queue(Outbox outbox, bytes head, bytes tail)
cpdef shared_tail(name, tuple args, dict kwargs, perspective)
