# cython: language_level=3
# Types for the compiled build of entries.py; the code is there. Held, MirrorRef and MirrorEntry stay Python classes: the
# first two are weak references, the third is reached from finalizers.


cdef class Exported:
    cdef readonly object target
    cdef readonly object key
    cdef readonly bint is_raw
    cdef public Py_ssize_t count


cdef class Observed:
    cdef readonly object cacheable
    cdef readonly object key
    cdef readonly object perspective
    cdef readonly object observer
    cdef public Py_ssize_t count

    cpdef stop(self, driver)
