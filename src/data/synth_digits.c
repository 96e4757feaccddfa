/* Images of handwritten-looking digits: a glyph's strokes are sampled, pushed around by a random affine map and a
 * smooth displacement field, and drawn by distance, 28 x 28 grey pixels. */
#include <math.h>

#include "data/synth.h"
#include "data/synth_glyphs.h"

enum {
  SIDE = 28,
  PIXELS = SIDE * SIDE,
  STEPS = 6,                                                /* line segments of a spline between two points */
  MAX_POINTS = MN_GLYPH_STROKES * STEPS * MN_STROKE_POINTS, /* of a whole image */
  GRID = 4,                                                 /* nodes of the displacement field along each side */
};

/* How far the images vary. Lengths in pixels unless said otherwise. */
static const double jitter = 4.5; /* deviation of a control point, in the glyph's hundredths */
static const double height_low = 17, height_high = 21;
static const double aspect_low = 0.75, aspect_high = 1.1;     /* width over height */
static const double slant_mean = 0.1, slant_deviation = 0.19; /* x shift per unit of height */
static const double angle_deviation = 0.1;                    /* radians */
static const double shift_high = 1.35;
static const double elastic_deviation = 1;
static const double radius_low = 0.7, radius_high = 1.9; /* half a stroke's thickness */
static const double edge_low = 1, edge_high = 1.8;       /* width over which ink fades out */
static const double contrast_low = 0.65;
static const double noise_deviation = 9; /* grey levels */

typedef struct {
  double x, y;
} point;

/* x' = a x + b y + c, y' = d x + e y + f */
typedef struct {
  double a, b, c, d, e, f;
} affine;

typedef struct {
  point node[GRID][GRID]; /* displacement at equally spaced nodes, rows top to bottom */
} field;

/* Consecutive points are joined unless `begin` marks the second of them. */
typedef struct {
  int count;
  point at[MAX_POINTS];
  unsigned char begin[MAX_POINTS];
} path;

static double clamp(double x, double low, double high)
{
  return x < low ? low : x > high ? high : x;
}

static point bounded_normal_pair(mn_random *r, double deviation)
{
  double x = clamp(mn_synth_normal(r), -2.5, 2.5), y = clamp(mn_synth_normal(r), -2.5, 2.5);
  return (point){deviation * x, deviation * y};
}

static const mn_glyph *pick_glyph(mn_random *r, int digit)
{
  int first = 0, count = 0;
  for (int i = 0; i < mn_glyph_count; i++) {
    if (mn_glyphs[i].digit < digit) first++;
    count += mn_glyphs[i].digit == digit;
  }
  return &mn_glyphs[first + (int)mn_random_below(r, (uint64_t)count)];
}

static void path_add(path *p, point at, int begin)
{
  p->at[p->count] = at;
  p->begin[p->count++] = (unsigned char)begin;
}

/* Catmull-Rom: a cubic from b to c whose tangents are those of the chords a-c and b-d. */
static double spline(double a, double b, double c, double d, double t)
{
  return b + 0.5 * t * ((c - a) + t * ((2 * a - 5 * b + 4 * c - d) + t * (3 * (b - c) + d - a)));
}

static void add_stroke(path *p, const mn_stroke *stroke, mn_random *r)
{
  point at[MN_STROKE_POINTS];
  int last = stroke->count - 1;
  for (int i = 0; i <= last; i++) {
    point move = bounded_normal_pair(r, jitter);
    at[i] = (point){stroke->at[i][0] + move.x, stroke->at[i][1] + move.y};
  }
  path_add(p, at[0], 1);
  for (int i = 0; i < last; i++) {
    point a = at[i > 0 ? i - 1 : 0], b = at[i], c = at[i + 1], d = at[i + 2 <= last ? i + 2 : last];
    for (int k = 1; k <= STEPS; k++) { /* straight strokes too, so that the field can bend them */
      double t = (double)k / STEPS;
      point q = {b.x + t * (c.x - b.x), b.y + t * (c.y - b.y)};
      if (stroke->smooth) q = (point){spline(a.x, b.x, c.x, d.x, t), spline(a.y, b.y, c.y, d.y, t)};
      path_add(p, q, 0);
    }
  }
}

/* From the glyph's box to pixels: scale, slant, rotation about the centre, shift. */
static affine random_affine(mn_random *r)
{
  double height = mn_synth_between(r, height_low, height_high) / 100;
  double width = height * mn_synth_between(r, aspect_low, aspect_high);
  point z = bounded_normal_pair(r, 1);
  double slant = slant_mean + slant_deviation * z.x, angle = angle_deviation * z.y;
  double s = mn_synth_sin(angle), c = mn_synth_cos(angle);
  affine m = {.a = c * width, .b = -(s + c * slant) * height, .d = s * width, .e = (c - s * slant) * height};
  m.c = 0.5 * SIDE + mn_synth_between(r, -shift_high, shift_high) - 50 * (m.a + m.b);
  m.f = 0.5 * SIDE + mn_synth_between(r, -shift_high, shift_high) - 50 * (m.d + m.e);
  return m;
}

static field random_field(mn_random *r)
{
  field f;
  for (int i = 0; i < GRID; i++)
    for (int j = 0; j < GRID; j++) f.node[i][j] = bounded_normal_pair(r, elastic_deviation);
  return f;
}

/* Cell and smooth weight of a coordinate among the nodes. */
static int locate(double x, double *weight)
{
  double u = clamp(x * (GRID - 1) / SIDE, 0, GRID - 1);
  int cell = (int)u < GRID - 2 ? (int)u : GRID - 2;
  double t = u - cell;
  *weight = t * t * (3 - 2 * t);
  return cell;
}

static point displaced(const field *f, point p)
{
  double u, v;
  int j = locate(p.x, &u), i = locate(p.y, &v);
  const point *top = &f->node[i][j], *low = &f->node[i + 1][j];
  double top_x = top[0].x + u * (top[1].x - top[0].x), top_y = top[0].y + u * (top[1].y - top[0].y);
  double low_x = low[0].x + u * (low[1].x - low[0].x), low_y = low[0].y + u * (low[1].y - low[0].y);
  return (point){p.x + top_x + v * (low_x - top_x), p.y + top_y + v * (low_y - top_y)};
}

static void deform(path *p, const affine *m, const field *f)
{
  for (int i = 0; i < p->count; i++) {
    point q = p->at[i];
    p->at[i] = displaced(f, (point){m->a * q.x + m->b * q.y + m->c, m->d * q.x + m->e * q.y + m->f});
  }
}

/* First and last pixel index whose centre may lie within `reach` of the interval. */
static void pixel_range(double a, double b, double reach, int *first, int *last)
{
  double low = (a < b ? a : b) - reach, high = (a < b ? b : a) + reach;
  *first = (int)clamp(low, 0, SIDE);
  *last = (int)clamp(high, -1, SIDE - 1);
}

/* Lowers `square` (SIDE x SIDE, squared distances of the pixel centres) to the distance from the segment a-b. */
static void measure_segment(point a, point b, double reach, double *square)
{
  int i0, i1, j0, j1;
  pixel_range(a.y, b.y, reach, &i0, &i1);
  pixel_range(a.x, b.x, reach, &j0, &j1);
  double dx = b.x - a.x, dy = b.y - a.y, length2 = dx * dx + dy * dy;
  double inverse = length2 > 0 ? 1 / length2 : 0;
  for (int i = i0; i <= i1; i++)
    for (int j = j0; j <= j1; j++) {
      double x = j + 0.5 - a.x, y = i + 0.5 - a.y, t = clamp((x * dx + y * dy) * inverse, 0, 1);
      double ex = x - t * dx, ey = y - t * dy, e2 = ex * ex + ey * ey;
      if (e2 < square[i * SIDE + j]) square[i * SIDE + j] = e2;
    }
}

/* ink (SIDE x SIDE) becomes at least `level` within `radius` of the path, falling to 0 over `edge` pixels. */
static void draw(const path *p, double radius, double edge, double level, double *ink)
{
  double square[PIXELS], reach = radius + 0.5 * edge;
  for (int i = 0; i < PIXELS; i++) square[i] = reach * reach;
  for (int i = 1; i < p->count; i++)
    if (!p->begin[i]) measure_segment(p->at[i - 1], p->at[i], reach, square);
  for (int i = 0; i < PIXELS; i++) {
    double v = level * clamp((reach - sqrt(square[i])) / edge, 0, 1);
    if (v > ink[i]) ink[i] = v;
  }
}

/* A short stray line. */
static void draw_speck(mn_random *r, double level, double *ink)
{
  double x = mn_synth_between(r, 3, SIDE - 3), y = mn_synth_between(r, 3, SIDE - 3);
  point step = bounded_normal_pair(r, 1.5);
  path p = {.count = 2, .at = {{x, y}, {x + step.x, y + step.y}}, .begin = {1, 0}};
  draw(&p, mn_synth_between(r, 0.3, 0.9), 1, level, ink);
}

/* Lifts the pen: a disc around a random point of the path is wiped. */
static void wipe(mn_random *r, const path *p, double *ink)
{
  point at = p->at[mn_random_below(r, (uint64_t)p->count)];
  double radius = mn_synth_between(r, 1, 2);
  for (int i = 0; i < PIXELS; i++) {
    double x = i % SIDE + 0.5 - at.x, y = i / SIDE + 0.5 - at.y;
    ink[i] *= clamp(sqrt(x * x + y * y) - radius, 0, 1);
  }
}

/* Grey levels, with noise that is a sum of four bytes and so nearly normal. */
static void develop(mn_random *r, const double *ink, unsigned char *out)
{
  const double scale = noise_deviation / 147.8; /* deviation of the sum: sqrt(4 (256^2 - 1) / 12) */
  for (int i = 0; i < PIXELS; i++) {
    uint32_t w = mn_random_u32(r);
    int sum = (int)((w & 255) + (w >> 8 & 255) + (w >> 16 & 255) + (w >> 24));
    double v = 255 * ink[i] + scale * (sum - 510);
    out[i] = (unsigned char)(clamp(v, 0, 255) + 0.5);
  }
}

void mn_synth_digits(const mn_synth_options *options, size_t i, mn_data *data)
{
  mn_random r = mn_synth_sample(options, i);
  int digit = (int)mn_random_below(&r, 10);
  const mn_glyph *glyph = pick_glyph(&r, digit);
  path p = {.count = 0};
  for (int k = 0; k < glyph->strokes; k++) add_stroke(&p, &glyph->stroke[k], &r);
  affine map = random_affine(&r);
  field elastic = random_field(&r);
  deform(&p, &map, &elastic);

  double ink[PIXELS] = {0}, level = mn_synth_between(&r, contrast_low, 1);
  double radius = mn_synth_between(&r, radius_low, radius_high), edge = mn_synth_between(&r, edge_low, edge_high);
  draw(&p, radius, edge, level, ink);
  if (mn_random_below(&r, 4) == 0) wipe(&r, &p, ink);
  if (mn_random_below(&r, 3) == 0) draw_speck(&r, level, ink);
  develop(&r, ink, (unsigned char *)data->x + i * PIXELS);
  data->y[i] = digit;
}
