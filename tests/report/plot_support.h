/* What the tests of plots share: four panels, and ways to look at what was drawn. */
#ifndef MN_TESTS_PLOT_SUPPORT_H
#define MN_TESTS_PLOT_SUPPORT_H

#include <stddef.h>

#include "minnorm/plot.h"

extern const double n_train[4], errors[4];
extern const mn_plot_axes panels[4];

/* Entries of a folder. */
size_t files_in(const char *path);

/* The whole file, in memory the caller frees. */
char *read_all(const char *path, size_t *bytes);

void assert_same_bytes(const char *a, const char *b);
void assert_has(const char *text, const char *part);

/* Draws, and fails the test when that fails. */
void draw(const char *path, size_t count, const mn_plot_axes *axes, size_t columns);

/* Reads an SVG with an XML parser; one that is not well-formed fails the test. Gives, in a static buffer: the size, the
 * points drawn with marks, the beginnings of lines in the first series' colour (its sample in the key is one), the
 * fills of rectangles, and every text in brackets, a line each. */
const char *parse(const char *path);

#endif
