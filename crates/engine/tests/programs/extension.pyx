# cython: language_level=3
"""A module of Cython for `extension.py`."""

from libc.stdlib cimport malloc


cdef size_t truth_cython_inner(size_t size):
    return <size_t>malloc(size) | 1


def truth_cython_outer(size):
    return truth_cython_inner(size)
