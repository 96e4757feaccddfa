/* The rows of the table of bytes.c, each its own file: the same source, bytes_body.h. */
#ifndef MN_GRAM_BYTES_LEVELS_H
#define MN_GRAM_BYTES_LEVELS_H

#include "gram/bytes.h"

#if MN_X86_LEVELS
extern const mn_bytes_level mn_bytes_avx2;
extern const mn_bytes_level mn_bytes_avx_vnni;
extern const mn_bytes_level mn_bytes_avx512_vnni;
#endif

#endif
