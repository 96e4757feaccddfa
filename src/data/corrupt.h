/* Corruption of class labels: the one rule, for data sets and for the targets of a fit. */
#ifndef MN_DATA_CORRUPT_H
#define MN_DATA_CORRUPT_H

#include <stddef.h>
#include <stdint.h>

/* The index of a label in the ascending list of `count` that mn_data_classes makes. */
size_t mn_class_of_label(const int64_t *labels, size_t count, double label);

/* What becomes of a sample's class, an index below `classes`: with probability p, a class drawn uniformly from all, its
 * own included (Zhang et al. 2017, section 2.1). Depends on the arguments alone: the head of a longer set comes out the
 * same. A class redrawn at p is redrawn to the same one at every greater p. */
size_t mn_corrupt_class(size_t class, size_t classes, double p, uint64_t seed, size_t sample);

#endif
