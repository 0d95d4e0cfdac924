# cython: language_level=3
# Types for the compiled build of fanout.py; the code is there.

cimport cython

from likewise.broker.ceilings cimport Ceilings
from likewise.broker.outbox cimport Outbox

cdef dict _idle


cdef class WrittenChange:
    cdef readonly bytes tail
    cdef readonly object error
    cdef readonly bint is_for_one


cdef class Change:
    cdef readonly object name
    cdef readonly tuple args
    cdef readonly dict kwargs
    cdef tuple _first
    cdef dict _for_all
    cdef dict _for_one

    @cython.locals(found=WrittenChange)
    cdef WrittenChange written(self, Ceilings ceilings, perspective)


cdef class Subscription:
    cdef readonly object session
    cdef readonly Outbox outbox
    cdef readonly object luid
    cdef readonly object perspective
    cdef bytes head


@cython.locals(change=Change, subscription=Subscription, outbox=Outbox, head=bytes, written=WrittenChange, ceilings=Ceilings, tail=bytes, count=Py_ssize_t, thread=cython.ulonglong)
cpdef publish(tuple observers, name, tuple args, dict kwargs)
cdef WrittenChange within_ceilings(Ceilings ceilings, WrittenChange written)
cdef tell_alone(Subscription to, Change change)
cpdef WrittenChange write_change(Ceilings ceilings, name, tuple args, dict kwargs, perspective)
