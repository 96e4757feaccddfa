/* The shapes of the digits that synth:digits draws. */
#ifndef MN_DATA_SYNTH_GLYPHS_H
#define MN_DATA_SYNTH_GLYPHS_H

enum { MN_STROKE_POINTS = 10, MN_GLYPH_STROKES = 3 };

/* A pen stroke through `count` points of a 100 x 100 box, y downwards: a polyline, or a Catmull-Rom spline. */
typedef struct {
  unsigned char smooth, count;
  unsigned char at[MN_STROKE_POINTS][2]; /* x, y */
} mn_stroke;

typedef struct {
  unsigned char digit, strokes;
  mn_stroke stroke[MN_GLYPH_STROKES];
} mn_glyph;

/* The ways of writing each digit, in ascending order of the digits. */
extern const mn_glyph mn_glyphs[];
extern const int mn_glyph_count;

#endif
