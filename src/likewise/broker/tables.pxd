# cython: language_level=3
# Types for the compiled build of tables.py; the code is there.


cimport cython

from likewise.broker.entries cimport Exported, Observed
from likewise.wire.keys cimport keyed


cdef class Tables:
    cdef object __weakref__
    cdef readonly object caller
    cdef public object limits
    cdef public object incoming
    cdef public object released
    cdef readonly object flavours
    cdef readonly object driver
    cdef public Py_ssize_t next_luid
    cdef public int ended
    cdef public Py_ssize_t next_request
    cdef readonly dict results
    cdef readonly dict exported
    cdef int _named
    cdef dict luid_of
    cdef readonly dict observed
    cdef readonly dict observed_ids
    cdef readonly dict references
    cdef readonly dict mirrors
    cdef readonly dict changes
    cdef readonly dict remotes
    cdef public dict just_released
    cdef readonly list dropped
    cdef public list journal

    cpdef export(self, target)
    @cython.locals(entry=Exported)
    cdef _known_luid(self, key)
    cpdef dict ids(self)
    cpdef Py_ssize_t unnamed(self) except -1
    cpdef observe(self, cacheable, perspective)
    cpdef home_luid(self, reference)
    cpdef home_cache(self, mirror)
    cpdef name(self, bytes name, target)
    cpdef bint release(self, luid) except -1
    cpdef release_cache(self, luid)
    cpdef observed_as(self, cacheable, perspective)
    cpdef end_observing(self, luid)
    cpdef change_sent(self, Py_ssize_t request, luid)
    cpdef change_answered(self, Py_ssize_t request, bint is_error)
    cpdef change_refused(self, mirror, error)
    cpdef remote(self, name)
    cdef _remember(self, luid, target)
    cpdef list undo(self)
    cdef _new_luid(self)
    cdef _queue_releases(self)
    cdef _note(self, table, luid)
    cpdef reference(self, luid, perspective)
    cdef _give_back(self, bint is_cache, luid)
    cpdef local(self, luid)
    cpdef original(self, luid)
    cpdef mirror(self, luid)
    cpdef mirror_to_change(self, luid)
    cpdef mirror_called(self, luid)
    cpdef hold_mirror(self, luid, mirror, bint is_filled=*)
    cpdef mirror_filled(self, mirror)
    cdef bint _may_be_held(self, luid) except -1
    cpdef uncache(self, luid, because)
    cdef _mirror_entry(self, luid)
    cpdef bint has_mirror(self, luid) except -1
    cpdef list take_releases(self)
    cpdef list clear(self, because)
    cpdef add_result(self, request, result)
    cpdef take_result(self, request)
    cpdef list take_results(self)
