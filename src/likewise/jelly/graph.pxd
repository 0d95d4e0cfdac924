# cython: language_level=3
# Types for the compiled build of graph.py; the code is there.

cimport cython

from likewise.jelly.hashing cimport Keys
from likewise.jelly.plans cimport Incoming
from likewise.wire.keys cimport keyed
from likewise.wire.reader cimport Reader


cdef long long LARGE_NUMBER
cdef dict LEAVES


cdef class Pending:
    cdef public object kind
    cdef public list items
    cdef public bint is_built
    cdef public bint is_building
    cdef public object value


cdef class Graph(Reader):
    cdef public Py_ssize_t failed_at
    cdef public Py_ssize_t weight
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
    cdef Py_ssize_t _probes_left
    cdef Py_ssize_t _probes_limit
    cdef Py_ssize_t _items_left
    cdef Py_ssize_t _items_limit
    cdef Py_ssize_t _unfolded_left
    cdef Py_ssize_t _unfolded_limit
    cdef dict _sizes
    cdef long long _unfolded
    cdef Py_ssize_t _rebuilt_left
    cdef Py_ssize_t _rebuilt_limit

    cdef set_graph_limits(self, limits)
    cdef renew_work(self, Py_ssize_t items, Py_ssize_t weight)
    cpdef _spend(self, Py_ssize_t items, Py_ssize_t start)
    cdef forget_graph(self)
    cpdef name_reference(self, reference, value)
    cdef _afterwards(self, instance)
    cpdef admit_later(self, Incoming plan, dict state, instance)
    cdef _finish(self, value)
    cdef _fill(self, instance, Incoming plan, state, Py_ssize_t start)
    @cython.locals(keys=Keys, is_large=cython.bint)
    cdef _check_members(self, list items, set result)
    cdef _count_equal(self, Py_ssize_t times, key, leaf, Py_ssize_t start)
    @cython.locals(found=Py_ssize_t)
    cdef Keys _check_key(self, key, Keys keys, bint is_set, Py_ssize_t size, Py_ssize_t start)
    @cython.locals(keys=Keys, size=Py_ssize_t)
    cdef Keys _keys_of(self, container)
    @cython.locals(level=list, below=list, height=cython.int)
    cdef _count_hashing(self, key, Py_ssize_t start)
    @cython.locals(level=list, below=list, height=cython.int)
    cdef _count_comparing(self, key, Py_ssize_t times, Py_ssize_t start)
    cdef _spend_hashing(self, Py_ssize_t parts, Py_ssize_t start)
    cdef _unfold(self, value, Py_ssize_t start)
    @cython.locals(weights=dict, stack=list, inner=list, missing=list)
    cdef Py_ssize_t _weigh(self, value, Py_ssize_t start) except -1
    cdef _count_again(self, long long again, Py_ssize_t start)
    cdef _fix(self, container, int how, key, value)
    @cython.locals(keys=Keys)
    cdef _mend(self, value)
    cdef _built(self, value, int levels=*)
    cdef _refuse(self, Py_ssize_t start, str reason)
