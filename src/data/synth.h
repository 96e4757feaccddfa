/* Synthetic data sets: "synth:NAME[,key=value...]".
 *
 * Every value depends on the seed, the part and the sample's index alone: n = 100 is the head of n = 200, training and
 * test samples never coincide, and the bytes are the same on every machine and with any number of threads. To that end
 * the generators use +, -, *, / and sqrt only (which IEEE 754 rounds correctly) and the functions below; the Makefile
 * compiles these files without contraction to fused multiply-add. */
#ifndef MN_DATA_SYNTH_H
#define MN_DATA_SYNTH_H

#include "core/random.h"
#include "minnorm/data.h"

/* What the keys of a spec set. Each generator reads the members its row of the table names. */
typedef enum { MN_SYNTH_CLUSTERS, MN_SYNTH_RANDOM, MN_SYNTH_LINEAR } mn_synth_labels;
typedef struct {
  uint64_t n, d, classes, columns, seed;
  uint64_t part;   /* an mn_part */
  uint64_t labels; /* an mn_synth_labels */
  double noise;    /* standard deviation */
  double distance; /* of the class centres from the origin */
} mn_synth_options;

/* Fills sample i of a data set that was created for these options. */
typedef void (*mn_synth_fill)(const mn_synth_options *options, size_t i, mn_data *data);
void mn_synth_digits(const mn_synth_options *options, size_t i, mn_data *data);
void mn_synth_gaussian(const mn_synth_options *options, size_t i, mn_data *data);
void mn_synth_regression(const mn_synth_options *options, size_t i, mn_data *data);
void mn_synth_circles(const mn_synth_options *options, size_t i, mn_data *data);

/* The numbers of sample i; those of parameter k, which training and test samples share. */
mn_random mn_synth_sample(const mn_synth_options *options, size_t i);
mn_random mn_synth_parameter(const mn_synth_options *options, uint64_t k);

/* Sine, cosine and natural logarithm to about 1e-15 for |x| < 1e6, normal x > 0; the same bits everywhere. */
double mn_synth_sin(double x);
double mn_synth_cos(double x);
double mn_synth_log(double x);

double mn_synth_between(mn_random *r, double low, double high); /* uniform */
double mn_synth_normal(mn_random *r);                           /* mean 0, variance 1 (Marsaglia's polar method) */

#endif
