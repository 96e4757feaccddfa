/* What the subcommands of minnorm share: the command line, help, input, progress, output. */
#ifndef MN_TOOLS_CLI_H
#define MN_TOOLS_CLI_H

#include <stdint.h>
#include <stdio.h>

#include "minnorm.h"

/* One bit a subcommand: which of them accept an option. */
enum {
  MN_CLI_FIT = 1,
  MN_CLI_PREDICT = 2,
  MN_CLI_DATA = 4,
  MN_CLI_DOWNLOAD = 8,
  MN_CLI_BENCH = 16,
  MN_CLI_INFO = 32,
  MN_CLI_HELP = 64,
  MN_CLI_EXPRESS = 128,
  MN_CLI_FEATURES = 256,
  MN_CLI_SWEEP = 512,
  MN_CLI_NORMS = 1024,
  MN_CLI_INTERPOLANTS = 2048,
  MN_CLI_ALL = 4095
};

/* Values of the options; texts are owned. */
typedef struct {
  char *data_dir, *train, *test;
  char *model, *save, *json, *labels, *scores;
  char *convert, *png, *url, *sizes, *plot, *checkpoint, *scratch;
  char *out, *draw, *draw_images, *draw_errors, *page;
  char *save_gram, *load_gram;
  char *select_gamma, *select_ridge; /* lists */
  char *gammas, *sigmas, *ridges, *corruptions, *seeds, *dims, *log, *csv;
  size_t n, n_test, rows, cols, dim, width, verify, select_samples;
  double corrupt;
  uint64_t shuffle, seed;
  int dataset, part, variant, select, bench_type, bench_samples, preset; /* numbers of the choice */
  int compare_threads, compare_gemm;
  int feature_scale, products_type, normalise;
  int threads, repeat;
  int curvature;
  int mirror, dry_run, quiet, verbose, help, man, completion;
  mn_fit_options fit;
  mn_network_options network;
  mn_descent_options descent;   /* start: of those from outside the span */
  mn_features_options features; /* as given; mn_cli_features_options completes them */
} mn_cli_values;

/* An option that the subcommand accepts. */
typedef struct {
  const mn_option *option;
  void *target; /* struct that holds its member */
  int given;
} mn_cli_entry;

typedef struct mn_cli mn_cli;

typedef struct {
  const char *name; /* "fit", "data download" */
  unsigned bit;
  mn_status (*run)(mn_cli *cli, mn_error *err);
  int words_max;        /* words after the subcommand */
  const char *synopsis; /* what follows the name */
  const char *summary;  /* one line */
  const char *description;
  const char *examples; /* a command a line */
} mn_cli_command;

enum { MN_CLI_ENTRIES_MAX = 128 };

struct mn_cli {
  const mn_cli_command *command;
  mn_cli_values values;
  mn_cli_entry entries[MN_CLI_ENTRIES_MAX];
  size_t entry_count;
  char **words; /* word_count words after the options */
  int word_count;
  double start_s;
  mn_context context;
};

/* ---- subcommands (minnorm.c) */
const mn_cli_command *mn_cli_commands(size_t *count);
mn_status mn_cli_fit(mn_cli *cli, mn_error *err);
mn_status mn_cli_sweep(mn_cli *cli, mn_error *err);
mn_status mn_cli_norms(mn_cli *cli, mn_error *err);
mn_status mn_cli_interpolants(mn_cli *cli, mn_error *err);
mn_status mn_cli_predict(mn_cli *cli, mn_error *err);
mn_status mn_cli_data(mn_cli *cli, mn_error *err);
mn_status mn_cli_download(mn_cli *cli, mn_error *err);
mn_status mn_cli_bench(mn_cli *cli, mn_error *err);
mn_status mn_cli_express(mn_cli *cli, mn_error *err);
mn_status mn_cli_features(mn_cli *cli, mn_error *err);
mn_status mn_cli_info(mn_cli *cli, mn_error *err);
mn_status mn_cli_help(mn_cli *cli, mn_error *err);

/* ---- options (options.c) */
typedef struct {
  mn_option option;  /* offsets into mn_cli_values */
  unsigned commands; /* bits of those that accept it */
} mn_cli_row;

const mn_cli_row *mn_cli_rows(size_t *count);
extern const char mn_cli_results[]; /* the group before which the options of library calls stand */

/* Rows of minnorm sweep (sweep_options.c): of its data; lists in the place of a fit's options; of its results. */
const mn_option *mn_cli_sweep_data_rows(size_t *count);
const mn_option *mn_cli_sweep_lists(size_t *count);
const mn_option *mn_cli_sweep_result_rows(size_t *count);

/* Rows of minnorm norms (norms_options.c). */
const mn_option *mn_cli_norms_rows(size_t *count);

/* Rows of minnorm norms interpolants (interpolants_options.c): of descents (offsets into mn_descent_options), and of
 * the command itself; whether it takes a row of the fit's. */
const mn_option *mn_cli_descent_rows(size_t *count);
const mn_option *mn_cli_interpolants_rows(size_t *count);
int mn_cli_interpolants_takes(const mn_option *row);

/* Fills the entries of cli->command, its own options and those of library calls, in the order of the help
 * (option_lists.c). */
void mn_cli_collect(mn_cli *cli);
const char *mn_cli_dataset_name(int value);
const char *mn_cli_part_name(int value);
/* Of products_type, in this order. */
enum { MN_CLI_PRODUCTS_AUTO, MN_CLI_PRODUCTS_DOUBLE, MN_CLI_PRODUCTS_SINGLE, MN_CLI_PRODUCTS_BFLOAT16 };
const char *mn_cli_products_name(int value);

/* ---- feature maps (feature_options.c) */

/* The map that the options describe: the defaults of --features, then --preset, then the options given one by one,
 * which must be that map's; the seed is that of --seed. MN_FEATURES_NONE without --features. */
mn_status mn_cli_features_options(const mn_cli *cli, mn_features_options *out, mn_error *err);

/* "conv, preset b: 4,096 whitened filters of 6 x 6, twosided", "gabor: 3 scales, 8 orientations, pooling scale 1". */
void mn_cli_describe_map(const mn_cli *cli, const mn_features_options *options, char *text, size_t size);

/* Members of a JSON object: "map" (its name), every option that it has by its name on the command line, with _ for -,
 * "preset" and "seed". */
void mn_cli_report_map(mn_report *report, const mn_cli *cli, const mn_features_options *options);

/* ---- parsing (parse.c) */

/* Reads argv[first ... argc-1]: defaults, options, words. */
mn_status mn_cli_parse(mn_cli *cli, int argc, char **argv, int first, mn_error *err);
void mn_cli_release(mn_cli *cli);
int mn_cli_given(const mn_cli *cli, const char *key);

/* Lists of numbers by the rules of one, at most `most` of them: "4000,8000" or, from start to end by a step,
 * "1000:5000:1000", and both mixed. Of numbers of at least 1; of seeds; of finite reals of at least 0 (above 0 where
 * `above`) and at most `largest`. */
mn_status mn_cli_read_sizes(const char *key, const char *text, double largest, size_t most, size_t *sizes,
                            size_t *count, mn_error *err);
mn_status mn_cli_read_seeds(const char *key, const char *text, size_t most, uint64_t *seeds, size_t *count,
                            mn_error *err);
mn_status mn_cli_read_reals(const char *key, const char *text, int above, double largest, size_t most, double *values,
                            size_t *count, mn_error *err);

/* Fills err and returns the code. */
mn_status mn_cli_fail(mn_error *err, mn_status code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* ---- help (help.c, man.c, completion.c) */
void mn_cli_print_usage(FILE *out);
void mn_cli_print_help(const mn_cli *cli, FILE *out);
void mn_cli_print_man(FILE *out);
void mn_cli_print_completion(FILE *out);

/* Wraps text to `width` columns, every line after the first indented. `column` is where the first one starts. */
void mn_cli_print_wrapped(FILE *out, const char *text, int indent, int column, int width);

/* "-r, --ridge L". */
void mn_cli_print_usage_of(const mn_option *option, char *text, size_t size);

/* Syntax and meaning of the i-th kind of SPEC; 0 past the last. */
int mn_cli_spec(size_t i, char *name, size_t name_size, char *help, size_t help_size);

/* ---- signals (interrupt.c): the first one makes the library stop; the process ends if it has not done so soon. */
void mn_cli_interrupt_install(const char *command);
int mn_cli_interrupted(void);

/* ---- progress and log on standard error (progress.c) */
void mn_cli_progress_install(mn_cli *cli);
void mn_cli_progress_clear(void); /* takes the bar off the terminal */
int mn_cli_threads(const mn_cli *cli);

/* ---- input (inputs.c) */

/* The data set of a spec, or the part of --dataset when spec is NULL: the first n samples (0: all), after --shuffle;
 * in the variant of --variant; with --mirror their mirror images too, unless it is the test part and the command
 * trains. */
mn_status mn_cli_open_data(mn_cli *cli, const char *spec, mn_part part, size_t n, mn_data **out, mn_error *err);

/* A line of the table on --variant, unless it is true; and its member of the report. */
void mn_cli_variant_line(const mn_cli *cli);
void mn_cli_report_variant(const mn_cli *cli, mn_report *report);

/* " (300 and their mirror images)" of n samples read with --mirror; empty without. */
void mn_cli_describe_mirror(const mn_cli *cli, size_t n, char *text, size_t size);

/* ---- output (output.c) */

/* MN_OK when every file that --json, --scores, --labels and --draw-errors name can be written, and no two results have
 * the same one. */
mn_status mn_cli_check_outputs(const mn_cli *cli, mn_error *err);

/* 1 unless --quiet, or --json - which takes standard output for itself. */
int mn_cli_shows_table(const mn_cli *cli);

/* A line of a table: label and formatted text. */
void mn_cli_line(const char *label, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "784 features (28 x 28)". */
void mn_cli_describe_features(const mn_data *data, char *text, size_t size);

/* A report that begins with version and command; and its end: peak memory, time, written to --json. */
mn_status mn_cli_report_open(const mn_cli *cli, mn_report **out, mn_error *err);
mn_status mn_cli_report_finish(const mn_cli *cli, mn_report **report, mn_error *err);

/* Predictions of m samples: scores and, of a classifier, labels (NULL otherwise). */
typedef struct {
  double *scores;  /* m x outputs */
  int64_t *labels; /* m */
  mn_metrics metrics;
  double predict_s;
} mn_cli_predictions;

mn_status mn_cli_predict_data(mn_cli *cli, const mn_model *model, const mn_data *data, mn_cli_predictions *out,
                              mn_error *err);
mn_status mn_cli_write_predictions(const mn_cli *cli, const mn_model *model, size_t m, const mn_cli_predictions *p,
                                   mn_error *err);
/* --draw-errors (errors_picture.c): MN_OK without it, or when these samples can be drawn; then the first 400 that were
 * misclassified as PNG, "7>1" below each: its label and the one predicted; no file where none is. */
mn_status mn_cli_check_errors_picture(const mn_cli *cli, const mn_data *data, mn_error *err);
mn_status mn_cli_draw_errors(const mn_cli *cli, const mn_data *data, const int64_t *predicted, mn_error *err);

void mn_cli_predictions_close(mn_cli_predictions *p);

#endif
