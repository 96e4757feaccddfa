#ifndef MN_CORE_CLOCK_H
#define MN_CORE_CLOCK_H

/* Seconds of a monotonic clock, from an arbitrary origin. */
double mn_clock_s(void);

#endif
