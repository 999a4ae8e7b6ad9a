/* NumPy's files: .npy (NEP 1: magic, version, a Python dict as text, raw data) and .npz (a zip archive of them, by
   libzip). Nothing in such a file executes: object arrays are refused. */
#ifndef NL_IO_NPY_H
#define NL_IO_NPY_H

#include "io/elements.h"
#include "io/safetensors.h"

/* Reads an array. The header's claims are checked against the file before memory is taken. */
nl_status nl_npy_read(const char *path, nl_tensor **out);

/* Writes version 1.0, C order, little-endian. type: the tensor's own, or a 16-bit float (NL_EL_F16). */
nl_status nl_npy_write(const char *path, nl_tensor *t, nl_element type);

/* All arrays of an archive, stored or deflated, also larger than 4 GB (zip64). Names lose their ".npy". */
nl_status nl_npz_read(const char *path, nl_tensor_file *out);
nl_status nl_npz_write(const char *path, const nl_tensor_file *, bool compress);

/* The type a dtype is written as. */
nl_element nl_element_of(nl_dtype);

#endif
