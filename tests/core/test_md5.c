/* MD5 against the vectors of RFC 1321. */
#include <string.h>

#include "core/md5.h"
#include "support.h"

static void md5_of(const void *bytes, size_t count, char hex[33])
{
  mn_md5 md5;
  mn_md5_open(&md5);
  mn_md5_add(&md5, bytes, count);
  mn_md5_close(&md5, hex);
}

/* RFC 1321, A.5 */
static void md5_of_the_rfc(void **state)
{
  (void)state;
  static const char *const vectors[][2] = {
      {"", "d41d8cd98f00b204e9800998ecf8427e"},
      {"a", "0cc175b9c0f1b6a831c399e269772661"},
      {"abc", "900150983cd24fb0d6963f7d28e17f72"},
      {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
      {"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
      {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "d174ab98d277d9f5a5611c2c9f419d9f"},
      {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
       "57edf4a22be3c955ac49da2e2107b67a"},
  };
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
    char hex[33];
    md5_of(vectors[i][0], strlen(vectors[i][0]), hex);
    assert_string_equal(hex, vectors[i][1]);
  }
}

static void md5_does_not_depend_on_the_pieces(void **state)
{
  (void)state;
  unsigned char content[300];
  for (size_t k = 0; k < sizeof content; k++) content[k] = (unsigned char)(k * 101 + k / 7);
  for (size_t count = 0; count <= sizeof content; count++) {
    char whole[33], pieces[33];
    md5_of(content, count, whole);
    mn_md5 md5;
    mn_md5_open(&md5);
    for (size_t at = 0, step = 1; at < count; at += step, step = step % 67 + 13)
      mn_md5_add(&md5, content + at, step < count - at ? step : count - at);
    mn_md5_close(&md5, pieces);
    assert_string_equal(whole, pieces);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(md5_of_the_rfc),
      cmocka_unit_test(md5_does_not_depend_on_the_pieces),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
