# cython: language_level=3
# Types for the compiled build of graph.py; the code is there.

cimport cython

from likewise.jelly.plans cimport Incoming
from likewise.wire.reader cimport Reader


cdef long long HUGE


cdef class Pending:
    cdef public object kind
    cdef public list items
    cdef public bint is_built
    cdef public bint is_building
    cdef public object value


cdef class Graph(Reader):
    cdef public Py_ssize_t failed_at
    cdef bint _has_pending
    cdef dict _references
    cdef list _fixups
    cdef list _postponed
    cdef list _after
    cdef list _strict
    cdef dict _weights
    cdef list _reused
    cdef Py_ssize_t _hash_left
    cdef Py_ssize_t _hash_limit
    cdef Py_ssize_t _equal_limit
    cdef Py_ssize_t _unfolded_left
    cdef Py_ssize_t _unfolded_limit

    cdef set_graph_limits(self, limits)
    cdef renew_work(self)
    cdef forget_graph(self)
    cpdef name_reference(self, reference, value)
    cdef _afterwards(self, instance)
    cdef _admit_later(self, Incoming plan, dict state)
    cdef _finish(self, value)
    cdef _fill(self, instance, Incoming plan, state, Py_ssize_t start)
    cdef _check_members(self, list items)
    cdef _check_key(self, key, hashes, Py_ssize_t start)
    @cython.locals(level=list, below=list, height=cython.int)
    cdef _count_hashing(self, key, Py_ssize_t start)
    cdef _unfold(self, value, Py_ssize_t start)
    @cython.locals(weights=dict, stack=list, inner=list, missing=list)
    cdef Py_ssize_t _weigh(self, value, Py_ssize_t start) except -1
    cdef _fix(self, container, int how, key, value)
    cdef _mend(self, value)
    cdef _built(self, value, int levels=*)
    cdef _refuse(self, Py_ssize_t start, str reason)
