/* Features of all images as one .npy array, a block of images at a time. */
#define _XOPEN_SOURCE 700
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/statvfs.h>

#include "core/atomic_file.h"
#include "core/clock.h"
#include "core/memory.h"
#include "core/progress.h"
#include "core/status.h"
#include "data/npy.h"
#include "features/map.h"
#include "linalg/threads.h"

enum { BLOCK_BYTES = 1 << 27 }; /* of features in memory, where that is enough for every thread to have work */

size_t mn_features_block(const mn_features *f, size_t n, const mn_context *ctx)
{
  size_t least = (size_t)mn_threads_open(ctx) * MN_MAP_IMAGES, block = BLOCK_BYTES / sizeof(float) / f->dim;
  block = block / least * least;
  if (!block) block = least;
  return block < n ? block : n;
}

/* ---- progress of all blocks, made of that of each */

typedef struct {
  const mn_context *ctx; /* the caller's; may be NULL */
  double before, total;  /* images */
} whole;

static int report(void *user, const mn_progress *block)
{
  const whole *w = user;
  mn_progress p = *block;
  p.done = w->before + block->done;
  p.total = w->total;
  return w->ctx->progress(w->ctx->user, &p);
}

static mn_context context_of_blocks(whole *w)
{
  mn_context out = {0};
  if (w->ctx) out.threads = w->ctx->threads;
  if (w->ctx && w->ctx->progress) {
    out.progress = report;
    out.user = w;
  }
  return out;
}

/* ---- the file */

/* A file system that does not say how large it is has room for anything. */
static double room_of(FILE *stream)
{
  struct statvfs info;
  if (fstatvfs(fileno(stream), &info) || !info.f_blocks) return INFINITY;
  return (double)info.f_bavail * (double)info.f_frsize;
}

mn_status mn_features_room(const char *path, double *bytes, mn_error *err)
{
  mn_atomic_file *file = NULL;
  mn_status st = mn_atomic_file_open(path, &file, err);
  if (!st) *bytes = room_of(mn_atomic_file_stream(file));
  mn_atomic_file_abort(&file);
  return st;
}

static mn_status check_room(FILE *stream, const char *path, double bytes, mn_error *err)
{
  double room = room_of(stream);
  if (bytes <= room) return MN_OK;
  return MN_FAIL(err, MN_ERR_IO, "%s: %.0f bytes of features do not fit: the disk has room for %.0f", path, bytes,
                 room);
}

static mn_status open_file(const mn_features *f, size_t n, const char *path, mn_atomic_file **file, mn_error *err)
{
  const size_t shape[] = {n, f->dim};
  if (f->dim > SIZE_MAX / sizeof(float) / n)
    return MN_FAIL(err, MN_ERR_ARGUMENT, "%zu x %zu features are more than a file can hold", n, f->dim);
  mn_status st = mn_atomic_file_open(path, file, err);
  if (!st) st = check_room(mn_atomic_file_stream(*file), path, (double)n * (double)f->dim * sizeof(float), err);
  if (!st) st = mn_npy_write_header(*file, MN_NPY_F4, 2, shape, err);
  return st;
}

/* block: images x dim, scratch. file: NULL where nothing is written. */
static mn_status write_blocks(const mn_features *f, const mn_samples *images, size_t step, const mn_context *ctx,
                              float *block, mn_atomic_file *file, mn_features_timing *out, mn_error *err)
{
  whole w = {ctx, 0, (double)images->n};
  const mn_context inner = context_of_blocks(&w);
  mn_status st = MN_OK;
  for (size_t first = 0; !st && first < images->n; first += step) {
    size_t count = images->n - first < step ? images->n - first : step;
    double start_s = mn_clock_s();
    w.before = (double)first;
    st = mn_features_compute(f, images, first, count, 0, f->groups, &inner, block, f->dim, err);
    double middle_s = mn_clock_s();
    if (!st && file) st = mn_atomic_file_write(file, block, count * f->dim * sizeof *block, err);
    out->compute_s += middle_s - start_s;
    out->write_s += mn_clock_s() - middle_s;
  }
  return st;
}

mn_status mn_features_write(const mn_features *features, const mn_samples *images, const char *path,
                            const mn_context *ctx, mn_features_timing *timing, mn_error *err)
{
  return mn_features_write_blocks(features, images, mn_features_block(features, images->n, ctx), path, ctx, timing,
                                  err);
}

mn_status mn_features_write_blocks(const mn_features *features, const mn_samples *images, size_t step, const char *path,
                                   const mn_context *ctx, mn_features_timing *timing, mn_error *err)
{
  mn_atomic_file *file = NULL;
  mn_features_timing spent = {0};
  float *block = NULL;
  mn_status st = path ? open_file(features, images->n, path, &file, err) : MN_OK;
  if (st) goto done;
  if (features->dim <= SIZE_MAX / sizeof *block / step) block = mn_alloc_matrix(step * features->dim, sizeof *block);
  if (!block) {
    st = MN_NO_MEMORY(err, step * features->dim * sizeof *block);
    goto done;
  }
  if ((st = write_blocks(features, images, step, ctx, block, file, &spent, err)) || !file) goto done;
  double start_s = mn_clock_s();
  st = mn_atomic_file_commit(&file, err);
  spent.write_s += mn_clock_s() - start_s;
done:
  mn_atomic_file_abort(&file);
  mn_free(block);
  if (timing) *timing = spent;
  return st;
}
