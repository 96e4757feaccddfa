#include "minnorm/types.h"

size_t mn_dtype_size(mn_dtype type)
{
  static const size_t bytes[] = {[MN_U8] = 1, [MN_F32] = 4, [MN_F64] = 8};
  return bytes[type];
}
