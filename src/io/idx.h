/* The IDX format of MNIST and its kin, plain or gzipped (yann.lecun.com/exdb/mnist: magic, sizes, big-endian data). */
#ifndef NL_IO_IDX_H
#define NL_IO_IDX_H

#include "tensor/tensor.h"

/* Reads a file into a fresh tensor: unsigned bytes as uint8, signed bytes, shorts and ints as int64, floats and doubles
   as they are. Trusts nothing in it: wrong magic, truncation, surplus bytes and sizes the file cannot hold are errors
   that name the file, found before memory is taken for them. */
nl_status nl_idx_read(const char *path, nl_tensor **out);

#endif
