/* JSON as text. */
#ifndef NL_IO_JSON_H
#define NL_IO_JSON_H

#include <jansson.h>

/* The text of a value, to be freed by free(), or NULL where there is too little memory. It is read back and compared:
   jansson leaves parts out where memory runs out while it writes (2.14, found by letting each request fail). */
char *nl_json_text(const json_t *, size_t flags);

#endif
