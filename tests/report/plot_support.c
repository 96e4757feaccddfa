#define _GNU_SOURCE
#include "plot_support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support.h"

const double n_train[4] = {1000, 5000, 20000, 60000}, errors[4] = {0.08, 0.04, 0.02, 0.014};
static const double zeros[4] = {0, 0, 0, 0}, norms[4] = {10, 30, 62, 109};
static const mn_plot_series curves[3] = {
    {"test error", MN_PLOT_LINE_POINTS, 4, n_train, errors},
    {"training error", MN_PLOT_LINE, 4, n_train, zeros},
    {NULL, MN_PLOT_POINTS, 4, n_train, norms},
};
const mn_plot_axes panels[4] = {
    {"First", "n", "error", 1, 0, 2, curves},
    {"Second", "n", "norm", 1, 1, 1, curves + 2},
    {"Third", "n", "error", 0, 0, 1, curves},
    {"Fourth", NULL, NULL, 0, 1, 3, curves},
};

size_t files_in(const char *path)
{
  size_t count = 0;
  DIR *d = opendir(path);
  assert_non_null(d);
  while (readdir(d)) count++;
  closedir(d);
  return count;
}

char *read_all(const char *path, size_t *bytes)
{
  struct stat info;
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  assert_int_equal(fstat(fileno(f), &info), 0);
  char *text = malloc((size_t)info.st_size + 1);
  assert_non_null(text);
  *bytes = fread(text, 1, (size_t)info.st_size, f);
  assert_int_equal(*bytes, info.st_size);
  text[*bytes] = '\0';
  fclose(f);
  return text;
}

void assert_same_bytes(const char *a, const char *b)
{
  size_t m, n;
  char *first = read_all(a, &m), *second = read_all(b, &n);
  assert_int_equal(m, n);
  assert_memory_equal(first, second, m);
  free(first);
  free(second);
}

static const char parser[] =
    "import sys, xml.etree.ElementTree as E\n"
    "root = E.parse(sys.argv[1]).getroot()\n"
    "s = '{http://www.w3.org/2000/svg}'\n"
    "for d in root.findall('.//' + s + 'defs'): d.clear()\n"
    "print('size', root.get('width'), root.get('height'))\n"
    "print('marks', len(root.findall('.//' + s + 'use')))\n"
    "blue = 'rgb(  0, 114, 178)'\n"
    "print('starts', sum(p.get('d').count('M') for p in root.iter(s + 'path') if p.get('stroke') == blue))\n"
    "for r in root.iter(s + 'rect'): print('fill', r.get('fill'))\n"
    "for t in root.iter(s + 'text'): print('[' + ''.join(t.itertext()).strip(' ') + ']')\n";

const char *parse(const char *path)
{
  static char found[16384];
  char command[2400];
  snprintf(command, sizeof command, "PYTHONIOENCODING=utf8 python3 -c \"%s\" '%s'", parser, path);
  FILE *f = popen(command, "r");
  assert_non_null(f);
  size_t n = fread(found, 1, sizeof found - 1, f);
  assert_int_equal(pclose(f), 0);
  found[n] = '\0';
  return found;
}

void assert_has(const char *text, const char *part)
{
  if (!strstr(text, part)) fail_msg("'%s' not found in: %s", part, text);
}

void draw(const char *path, size_t count, const mn_plot_axes *axes, size_t columns)
{
  mn_error err = {0};
  if (mn_plot_write(path, count, axes, columns, &err)) fail_msg("%s", err.text);
}
