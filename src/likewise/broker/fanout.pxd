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


@cython.locals(change=Change, outbox=Outbox, written=WrittenChange, ceilings=Ceilings, tail=bytes, count=Py_ssize_t, thread=cython.ulonglong)
cpdef publish(observers, name, tuple args, dict kwargs)
cdef WrittenChange within_ceilings(Ceilings ceilings, WrittenChange written)
cdef queue(Outbox outbox, bytes head, bytes tail)
cdef tell_alone(observer, Change change)
cpdef WrittenChange write_change(Ceilings ceilings, name, tuple args, dict kwargs, perspective)
