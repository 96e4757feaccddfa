/* What minnorm norms has at hand when it reports. */
#ifndef MN_TOOLS_NORMS_H
#define MN_TOOLS_NORMS_H

#include "fit.h"

/* The numbers of a model, by their names in the reports that it is read from; the rest are what is compared with the
 * test error, as mn_cli_norms_column says. */
enum {
  MN_CLI_NORMS_N,
  MN_CLI_NORMS_GAMMA,
  MN_CLI_NORMS_RIDGE,
  MN_CLI_NORMS_CORRUPT,
  MN_CLI_NORMS_SEED,
  MN_CLI_NORMS_TRAIN,
  MN_CLI_NORMS_TEST,
  MN_CLI_NORMS_NORM,
  MN_CLI_NORMS_LOO,
  MN_CLI_NORMS_LOO_MSE,
  MN_CLI_NORMS_GCV,
  MN_CLI_NORMS_MEASURES,
  MN_CLI_NORMS_COLUMNS = MN_CLI_NORMS_MEASURES + MN_CLI_MEASURES
};

enum { MN_CLI_NORMS_KINDS = 32 };

typedef struct {
  size_t kind;       /* of those of the run */
  char text[224];    /* kind, kernel, and every option in which models differ */
  char figures[336]; /* the same, and its norm and test error */
  int plain;         /* of the labels and images as they are */
  double values[MN_CLI_NORMS_COLUMNS];
} mn_cli_norms_model;

/* A measure and the test error over models. */
typedef struct {
  int column;
  mn_rank_correlation all, plain; /* of all models, and of those of true labels and images */
} mn_cli_norms_measure;

typedef struct {
  mn_cli *cli;
  size_t count, room;
  mn_cli_norms_model *models;
  size_t kind_count;
  char kinds[MN_CLI_NORMS_KINDS][64]; /* "mnist, gabor": data and what is made of them */
  size_t measure_count;               /* of which there are numbers */
  mn_cli_norms_measure measures[MN_CLI_NORMS_COLUMNS];
} mn_cli_norms_run;

/* Its name; whether it is compared with the test error. */
const char *mn_cli_norms_name(int column);
int mn_cli_norms_compared(int column);

/* Whether a measure is drawn: one of each sort. */
int mn_cli_norms_drawn(int column);

/* Models of a kind of which both columns are numbers: their places in x and y, and names. Returns how many. */
size_t mn_cli_norms_series(const mn_cli_norms_run *run, size_t kind, int column, double *x, double *y,
                           const char **names);

/* Reports (norms_report.c, norms_page.c): on the terminal, JSON, pictures by gnuplot, a page. */
void mn_cli_norms_table(const mn_cli_norms_run *run);
mn_status mn_cli_norms_json(const mn_cli_norms_run *run, mn_error *err);
mn_status mn_cli_norms_plot(const mn_cli_norms_run *run, mn_error *err);
mn_status mn_cli_norms_page(const mn_cli_norms_run *run, mn_error *err);
mn_number mn_cli_norms_cell(int column, double value);

#endif
