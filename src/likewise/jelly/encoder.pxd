# cython: language_level=3
# Types for the compiled build of encoder.py; the code is there.

cimport cython

from likewise.jelly.plans cimport Outgoing, Plain
from likewise.wire.sink cimport Sink

cdef list TEXT_HEADS
cdef list LIST_ATOM_HEADS
cdef list TUPLE_ATOM_HEADS
cdef list DICTIONARY_ATOM_HEADS
cdef frozenset WORD_TEXTS
cdef bytes KEY_HEAD
cdef list KEY_HEADS
cdef list SMALL_INTS
cdef bint COMPILED
cdef dict ATTRIBUTES
cdef dict PLAIN_CLASSES
cdef Py_ssize_t MESSAGES_WRITTEN


cdef class Encoder:
    cdef Sink _sink
    cdef readonly object tables
    cdef readonly object perspective
    cdef readonly object dialect
    cdef Py_ssize_t _depth
    cdef Py_ssize_t _floor
    cdef Py_ssize_t _depth_limit
    cdef bint _is_deep
    cdef bint _is_too_deep
    cdef readonly Py_ssize_t items_at_most
    cdef dict _memo
    cdef list _kept
    cdef object _top
    cdef Py_ssize_t _message
    cdef Py_ssize_t _next_reference
    cdef Py_ssize_t _string_limit
    cdef Py_ssize_t _list_limit

    cpdef begin(self, tables, perspective, Py_ssize_t depth, dialect=*)
    cdef _look_again(self)
    cdef _begin_jelly(self)
    cpdef list written(self)
    cpdef let_go(self)
    cpdef encode(self, value)
    cpdef encode_arguments(self, tuple args)
    cpdef encode_keywords(self, dict kwargs)
    cpdef write_id(self, bytes word, luid)
    cpdef write_copy(self, instance, tag, state)
    cpdef write_cache(self, instance, tag, luid, state)
    cpdef begin_form(self, instance, Py_ssize_t count)
    cpdef write_buffer(self, view)
    cpdef path_to(self, part)
    cpdef has_no_hooks(self, kind, hooks)
    cdef bint _begin(self, container) except -1
    cdef _remember(self, instance)
    @cython.locals(place=Py_ssize_t, number=Py_ssize_t)
    cdef _met_again(self, dict memo, key)
    cdef _int(self, value)
    @cython.locals(size=Py_ssize_t, data=bytes)
    cdef _text(self, str text, bytes head, list heads)
    @cython.locals(size=Py_ssize_t)
    cdef _bytes(self, bytes data)
    cdef _body(self, bytes data, Py_ssize_t size)
    cdef _sequence(self, list heads, bytes word, items, Py_ssize_t size)
    @cython.locals(sink=Sink)
    cdef _dictionary(self, dict items, Py_ssize_t size, bint are_attributes)
    cdef _state(self, state)
    @cython.locals(plain=Plain)
    cdef _object(self, instance, kind)
    cdef _foreign(self, instance, adoption)
    cdef bint _is_plain(self, Plain plain, kind) except -1
    @cython.locals(sink=Sink, size=Py_ssize_t, values=dict, head=bytes)
    cdef _dataclass(self, instance, Outgoing plan)
    cdef _stream(self, iterator, kind)
    cdef _form(self, instance, kind)
    cpdef unsendable(self, instance, kind)
    cdef _enter(self, Py_ssize_t lists)
