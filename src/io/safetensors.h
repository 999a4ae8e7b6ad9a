/* safetensors (github.com/huggingface/safetensors, "Format"): 8 bytes of header length, a JSON header, raw data.
   Nothing in such a file executes. */
#ifndef NL_IO_SAFETENSORS_H
#define NL_IO_SAFETENSORS_H

#include "tensor/tensor.h"

typedef struct nl_named_tensor {
  char *name; /* owned */
  nl_tensor *tensor;
} nl_named_tensor;

typedef struct nl_tensor_file {
  int count;
  nl_named_tensor *entries;
  char *note; /* the metadata entry "nnlua", or NULL; owned */
} nl_tensor_file;

/* Reads all of a file. Every claim in it is checked before it is followed; errors name the file and the tensor. */
nl_status nl_safetensors_read(const char *path, nl_tensor_file *out);

/* Writes a file so that at any moment either the old one or the new one is there in full: to a temporary name beside
   it, synced, then renamed. Tensors may be views. */
nl_status nl_safetensors_write(const char *path, const nl_tensor_file *);

void nl_tensor_file_free(nl_tensor_file *);

#endif
