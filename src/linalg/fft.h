/* The gate to FFTW: two-dimensional discrete Fourier transforms of complex numbers in single precision.
 *
 * An array is rows x cols pairs (real part, imaginary part), row-major, aligned to 64 bytes. Transforms of one object
 * may run in several threads at the same time: all of them execute the same serial plan, so that the result depends
 * neither on the thread nor on what is transformed next to it. There is none for real input: FFTW's codelets for
 * complex numbers are vectorised better, and transform an array of 32 x 32 with zero imaginary parts in 0.7 times the
 * time of the real transform.
 *
 * Plans are chosen by measurement, which takes up to seconds, once: the choice is kept as FFTW's wisdom in the file
 * ${XDG_CACHE_HOME:-~/.cache}/minnorm/fftw-single.wisdom, so that later processes make the same plan, hence the same
 * bits. Where that file cannot be kept, the choice is FFTW's estimate, which is the same every time too. Two choices
 * differ by rounding only. Nothing that goes wrong with the file is an error. */
#ifndef MN_LINALG_FFT_H
#define MN_LINALG_FFT_H

#include <stddef.h>

#include "minnorm/status.h"

typedef struct mn_fft mn_fft;

/* Not to be called by two threads at a time with other users of FFTW's planner in the same process. */
mn_status mn_fft_open(size_t rows, size_t cols, mn_fft **out, mn_error *err);
void mn_fft_close(mn_fft **fft);

/* out(k, l) = sum over r, c of in(r, c) exp(-+ 2 pi i (k r / rows + l c / cols)), - forward, + backward; in is kept,
 * and does not overlap out. */
void mn_fft_forward(const mn_fft *fft, const float *in, float *out);
void mn_fft_backward(const mn_fft *fft, const float *in, float *out);

#endif
