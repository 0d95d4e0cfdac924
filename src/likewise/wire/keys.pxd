# cython: language_level=3
# Types for the compiled build of keys.py; the code is there.

from likewise.wire cimport native

cdef long long FEW_NUMBERS
cdef long long _factor

cpdef long long keyed(long long number)
