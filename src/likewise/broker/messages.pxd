# cython: language_level=3
# Types for the compiled build of messages.py; the code is there.

from likewise.jelly.decoder cimport Decoder

cdef dict _names

cpdef bytes luid_token(luid)
cpdef bytes name_token(name, Py_ssize_t limit)
cpdef read_luid(Decoder decoder)

