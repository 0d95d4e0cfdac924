# cython: language_level=3
# Types for the compiled build of decoder.py; the code is there.

cimport cython

from likewise.jelly.graph cimport Pending
from likewise.jelly.hashing cimport Keys
from likewise.jelly.leaves cimport Leaves
from likewise.jelly.plans cimport Incoming
from likewise.wire cimport native
from likewise.wire.framer cimport Frame
from likewise.wire.keys cimport keyed


cdef long long LARGE_NUMBER
cdef long long ENDLESS
cdef Py_ssize_t FEW_KEYS
cdef Py_ssize_t MESSAGES_READ
cdef Py_ssize_t BYTES_OF_ITEM, BYTES_OF_INSTANCE, ITEMS_OF_INSTANCE, ITEMS_OF_ODD, ROOMY


cdef class Decoder(Leaves):
    cdef readonly object registry
    cdef Py_ssize_t _name_limit
    cdef dict _incoming
    cdef object _limits
    cdef Py_ssize_t _message

    @cython.locals(weight=Py_ssize_t)
    cpdef begin(self, Frame frame, registry, tables, limits, perspective=*)
    cpdef let_go(self)
    cpdef decode(self)
    @cython.locals(data=bytes, pos=Py_ssize_t, count=Py_ssize_t, items=list, _=Py_ssize_t)
    cpdef decode_arguments(self)
    cpdef decode_keywords(self)
    cpdef plan_for(self, tag)
    cpdef by_name(self, bytes word, Py_ssize_t count, reference)
    cpdef value_of(self, Frame frame)
    # kind is shifted into number: an int would lose what is beyond 32 bits
    @cython.locals(data=bytes, pos=Py_ssize_t, kind=cython.longlong, number=cython.longlong, shift=cython.int)
    cpdef value(self)
    @cython.locals(data=bytes, start=Py_ssize_t, pos=Py_ssize_t, code=cython.int, kind=cython.int)
    cdef _list(self, Py_ssize_t count, reference)
    @cython.locals(data=bytes, pos=Py_ssize_t, size=cython.int, raw=bytes, kind=cython.int)
    cdef _text(self, Py_ssize_t start)
    @cython.locals(result=list, _=Py_ssize_t)
    cdef _items(self, Py_ssize_t count, reference)
    @cython.locals(data=bytes, pos=Py_ssize_t, result=dict, keys=Keys, _=Py_ssize_t)
    cdef _dictionary(self, Py_ssize_t count, reference, Py_ssize_t start)
    cdef bint _steps_into_pair(self) except -1
    cdef _frozen(self, kind, Py_ssize_t count, reference)
    cdef _set(self, Py_ssize_t count, reference)
    cdef _rare(self, int code, Py_ssize_t count, reference, Py_ssize_t start)
    @cython.locals(kind=cython.int, number=cython.longlong, before=cython.longlong)
    cdef _named(self, Py_ssize_t count, Py_ssize_t start)
    cdef _instance(self, Incoming plan, bytes tag, Py_ssize_t count, reference, Py_ssize_t start)
    @cython.locals(data=bytes, start=Py_ssize_t, pos=Py_ssize_t, size=Py_ssize_t, raw=bytes, state=dict, names=dict,
                   kind=cython.int, count=Py_ssize_t, shape=list, i=Py_ssize_t, head=bytes, pair=Py_ssize_t, is_plain=cython.bint)
    cdef _attributes(self, Incoming plan)
    cdef bytes _key(self, Py_ssize_t pos)
    cdef str _admit(self, Incoming plan, bytes raw, Py_ssize_t start)
    cdef _checked(self, Incoming plan, state, Py_ssize_t start)
    @cython.locals(before=cython.longlong, begun=Py_ssize_t)
    cdef _made(self, Incoming plan, reference, Py_ssize_t start)
