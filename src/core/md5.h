/* MD5 (RFC 1321), to hold downloaded files against the sums their publishers give. Not for security. Own code, for
 * libcurl does not export its copy and OpenSSL's is switched off on machines in FIPS mode. */
#ifndef MN_CORE_MD5_H
#define MN_CORE_MD5_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
  uint32_t state[4];
  uint64_t bytes;          /* added so far */
  unsigned char block[64]; /* the first bytes % 64 of it are waiting */
} mn_md5;

void mn_md5_open(mn_md5 *md5);
void mn_md5_add(mn_md5 *md5, const void *bytes, size_t count);
void mn_md5_close(mn_md5 *md5, char hex[33]); /* 32 lower-case hexadecimal digits and a final 0 */

#endif
