# cython: language_level=3
# Types for the compiled build of messages.py; the code is there.

from likewise.jelly.decoder cimport Decoder

cdef dict _names

cpdef bytes luid_token(luid)
cpdef bytes call_head(request, luid, name, bint want_answer, bint to_cache, Py_ssize_t name_limit)
cpdef read_luid(Decoder decoder)


cdef class CallHead:
    cdef readonly object request
    cdef readonly object luid
    cdef readonly bytes name
    cdef readonly bint want_answer
