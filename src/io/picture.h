/* Pictures: PNG, JPEG and the portable anymap (PPM, PGM), as tensors of uint8, channels x height x width. */
#ifndef NL_IO_PICTURE_H
#define NL_IO_PICTURE_H

#include "tensor/tensor.h"

typedef enum nl_picture_kind { NL_PICTURE_PNG, NL_PICTURE_JPEG, NL_PICTURE_PNM } nl_picture_kind;

/* Loads the libraries that there are; without it they are loaded when a picture is first asked for. */
void nl_picture_load(void);

/* channels: 1 (gray), 3 (red, green, blue), 2 and 4 (with opacity), or 0: as the file has them. What a file has of
   opacity is laid on white where it is not asked for. Errors: no picture, damaged, a library that is not there. */
nl_status nl_picture_decode(const unsigned char *bytes, size_t n, int channels, nl_tensor **out);

/* A picture (uint8, contiguous, channels x height x width) in a file of its own; quality, of JPEG: 1 to 100. */
nl_status nl_picture_write(const char *path, const nl_tensor *picture, nl_picture_kind kind, int quality);

#endif
