/* Element types of stored arrays. */
#ifndef MINNORM_TYPES_H
#define MINNORM_TYPES_H

#include <stddef.h>

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

typedef enum { MN_U8, MN_F32, MN_F64 } mn_dtype;

/* Bytes of one element of a type. */
size_t mn_dtype_size(mn_dtype type);

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#endif
