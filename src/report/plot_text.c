#include "report/plot_text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/memory.h"

static int reserve(mn_plot_text *text, size_t more)
{
  size_t room = text->room ? text->room : 4096;
  if (text->missing) return 0;
  if (more <= text->room - text->count) return 1;
  while (room - text->count < more && room <= SIZE_MAX / 2) room *= 2;
  char *bytes = room - text->count < more ? NULL : mn_realloc(text->bytes, room, 1);
  if (!bytes) {
    text->missing = room;
    return 0;
  }
  text->bytes = bytes;
  text->room = room;
  return 1;
}

void mn_plot_text_add(mn_plot_text *text, const char *bytes, size_t count)
{
  if (!count || !reserve(text, count)) return;
  memcpy(text->bytes + text->count, bytes, count);
  text->count += count;
}

void mn_plot_text_print(mn_plot_text *text, const char *format, ...)
{
  char line[256];
  va_list args;
  va_start(args, format);
  int length = vsnprintf(line, sizeof line, format, args);
  va_end(args);
  if (length < 0 || (size_t)length >= sizeof line)
    text->missing = sizeof line;
  else
    mn_plot_text_add(text, line, (size_t)length);
}

static const struct {
  unsigned char mask, lead; /* of the first byte */
  size_t length;
  uint32_t least; /* code points below have a shorter form */
} forms[] = {{0x80, 0x00, 1, 0}, {0xe0, 0xc0, 2, 0x80}, {0xf0, 0xe0, 3, 0x800}, {0xf8, 0xf0, 4, 0x10000}};

/* Decodes the sequence at s. Returns its length, or 0 when it is not valid UTF-8. */
static size_t decode(const unsigned char *s, uint32_t *code)
{
  size_t f = 0;
  while (f < 4 && (s[0] & forms[f].mask) != forms[f].lead) f++;
  if (f == 4) return 0;
  *code = s[0] & (unsigned char)~forms[f].mask;
  for (size_t i = 1; i < forms[f].length; i++) {
    if ((s[i] & 0xc0) != 0x80) return 0; /* the terminating zero is none either */
    *code = *code << 6 | (s[i] & 0x3f);
  }
  int surrogate = *code >= 0xd800 && *code < 0xe000;
  return *code < forms[f].least || surrogate || *code > 0x10ffff ? 0 : forms[f].length;
}

/* C0, DEL, C1, the two line separators, and the two that XML forbids. */
static int is_control(uint32_t code)
{
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029 || code == 0xfffe ||
         code == 0xffff;
}

/* No digit is plain: gnuplot would take one that follows an octal number for a part of it. */
static int is_plain(uint32_t code)
{
  return code == ' ' || (code >= 'A' && code <= 'Z') || (code >= 'a' && code <= 'z') || code >= 0x80;
}

void mn_plot_text_quote(mn_plot_text *text, const char *s)
{
  const char *begin = s;
  mn_plot_text_add(text, "\"", 1);
  while (s && *s) {
    uint32_t code = '?';
    size_t length = decode((const unsigned char *)s, &code);
    if (*s == '>' && s - begin >= 2 && s[-1] == ']' && s[-2] == ']') mn_plot_text_add(text, " ", 1);
    if (!length)
      mn_plot_text_add(text, "?", 1);
    else if (is_control(code))
      mn_plot_text_add(text, " ", 1);
    else if (is_plain(code))
      mn_plot_text_add(text, s, length);
    else
      mn_plot_text_print(text, "\\%03o", (unsigned)code);
    s += length ? length : 1;
  }
  mn_plot_text_add(text, "\"", 1);
}

static const char *name_of(char c)
{
  switch (c) {
  case '&':
    return "&amp;";
  case '<':
    return "&lt;";
  case '>':
    return "&gt;";
  case '"':
    return "&quot;";
  case '\'':
    return "&#39;";
  default:
    return NULL;
  }
}

void mn_plot_text_escape(mn_plot_text *text, const char *s)
{
  while (s && *s) {
    uint32_t code = '?';
    size_t length = decode((const unsigned char *)s, &code);
    const char *name = name_of(*s);
    if (name)
      mn_plot_text_add(text, name, strlen(name));
    else if (!length)
      mn_plot_text_add(text, "?", 1);
    else if (is_control(code))
      mn_plot_text_add(text, " ", 1);
    else
      mn_plot_text_add(text, s, length);
    s += length ? length : 1;
  }
}

void mn_plot_text_free(mn_plot_text *text)
{
  mn_free(text->bytes);
  *text = (mn_plot_text){0};
}
