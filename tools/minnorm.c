/* minnorm: finds the subcommand, runs it, and turns its status into one line on stderr and an exit status. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const mn_cli_command commands[] = {
    {"fit", MN_CLI_FIT, mn_cli_fit, 0, "--dataset NAME | --train SPEC [--test SPEC] [OPTION...]",
     "fits the minimum-norm interpolant and tests it",
     "Fits a kernel model that interpolates the training samples (or regularises them with --ridge), predicts the test "
     "samples, and reports errors, norm, residual and times. With integer labels it is a classifier, with real targets "
     "a regression.",
     "minnorm fit --dataset mnist --n 10000 --gamma 0.02\n"
     "minnorm fit --train synth:digits,n=6000 --test synth:digits,part=test,n=2000 --save digits.model\n"
     "minnorm fit --dataset cifar10 --dry-run\n"
     "minnorm fit --dataset mnist --gamma 0.02 --tol interpolate\n"
     "minnorm fit --dataset mnist --precision double --memory 6G --scratch /var/tmp --checkpoint mnist.checkpoint\n"
     "minnorm fit --train csv:house.csv --kernel matern52 --ridge 1e-3 --json report.json"},
    {"sweep", MN_CLI_SWEEP, mn_cli_sweep, 0, "--dataset NAME | --train SPEC [--test SPEC] [OPTION...]",
     "fits a grid of label corruption, ridge, bandwidth and number of samples",
     "Fits every point of a grid, as minnorm fit would. --n, --gamma, --ridge, --corrupt and --seed take lists, 1,2,5 "
     "or start:end:step. Levels of label corruption and their seeds are right-hand sides of one factor, so that a "
     "whole curve costs little more than a fit; each number of samples, bandwidth and ridge has a factor of its own, "
     "and all share the inner products of --features or --load-gram. --log keeps every point when it is done: the "
     "same command goes on after a stop.",
     "minnorm sweep --dataset mnist --gamma 0.02 --corrupt 0:1:0.1 --seed 0,1,2 --log curve.jsonl --plot curve.svg\n"
     "minnorm sweep --dataset mnist --n 5000 --gamma 0.01,0.02,0.04 --ridge 0,1e-4,1e-2 --csv grid.csv\n"
     "minnorm sweep --dataset mnist --gamma 0.02 --n 1000:10000:1000 --json growth.json\n"
     "minnorm sweep --dataset mnist --load-gram gabor.gram --corrupt 0:1:0.25"},
    {"norms", MN_CLI_NORMS, mn_cli_norms, 4096, "FILE... [OPTION...]",
     "compares norms and other measures of many models with their test errors",
     "Reads what fit and sweep wrote, reports (--json) and logs (--log), and shows the norm, training and test error "
     "of "
     "every model, and how far the norm, leave-one-out and every measure of --measures rank the models as their test "
     "errors do.",
     "minnorm norms curve.jsonl\n"
     "minnorm norms pixels.jsonl gabor.jsonl conv.json --page norms.html --plot norms.svg"},
    {"norms interpolants", MN_CLI_INTERPOLANTS, mn_cli_interpolants, 0,
     "--dataset NAME | --train SPEC [--test SPEC] [OPTION...]",
     "compares interpolants of one training set that differ in norm",
     "Fits the interpolant of least norm, one with random centres, and one that is forced through random labels at the "
     "test samples too; runs gradient descent, with momentum and in random batches as well, from zero and from a start "
     "outside the span of the data, until it is within --tol of its limit. Shows norm, training and test error of "
     "each, "
     "and how fast the descents come near. A model is linear in the features of its kernel; --kernel linear takes "
     "those "
     "of the samples, or of --features, themselves.",
     "minnorm norms interpolants --dataset mnist --n 2000 --n-test 2000 --gamma 0.02\n"
     "minnorm norms interpolants --dataset cifar10 --n 2000 --n-test 2000 --kernel linear --features conv --filters "
     "1024 "
     "--center --curvature\n"
     "minnorm norms interpolants --train synth:digits,n=500 --test synth:digits,part=test,n=500 --plot way.svg"},
    {"predict", MN_CLI_PREDICT, mn_cli_predict, 0, "--model MODEL --dataset NAME | --test SPEC [OPTION...]",
     "applies a saved model to samples",
     "Loads a model that minnorm fit --save wrote, predicts samples, and writes labels and scores. When the samples "
     "have labels or targets of their own, the error is reported as well. Features of a model of features are made "
     "block by block, those of the training images too.",
     "minnorm predict --model digits.model --test synth:digits,part=test,n=500\n"
     "minnorm predict --model mnist.model --dataset mnist --labels labels.txt --scores scores.npy"},
    {"express", MN_CLI_EXPRESS, mn_cli_express, 0, "--dataset NAME | --train SPEC [--test SPEC] [OPTION...]",
     "builds and verifies the ReLU network with 2n + d weights that has any labels",
     "Builds a ReLU network that takes given labels (random ones with --corrupt 1) or real targets on all training "
     "points: "
     "a projection on one direction, a kink for each point, and the changes of slope between them as weights. Runs it "
     "on "
     "the training points in fp64, in fp32 and with compensated sums, and reports the errors, the least gap of the "
     "projections, the conditioning and the norm of the weights.",
     "minnorm express --dataset mnist --corrupt 1 --save mnist.network\n"
     "minnorm express --dataset mnist --corrupt 1 --depth 16\n"
     "minnorm express --dataset mnist --corrupt 1 --n 1000,10000,60000 --plot growth.svg\n"
     "minnorm express --train synth:gaussian,n=1000000,d=64,labels=random"},
    {"features", MN_CLI_FEATURES, mn_cli_features, 0, "--dataset NAME | --train SPEC --features MAP [OPTION...]",
     "computes a feature map of images to .npy, draws it, says what it costs",
     "Computes features of images, Gabor and scattering wavelets or a convolutional layer with random filters, a block "
     "of samples at a time in memory that does not grow with their number, and writes them as one array. Draws the "
     "wavelets or filters, and what they make of a few images. Reports size, operations and rate.",
     "minnorm features --dataset mnist --features gabor --out gabor.npy --draw bank.png\n"
     "minnorm features --dataset cifar10 --features conv --filters 8192 --dry-run\n"
     "minnorm features --dataset cifar10 --part test --features conv --preset a --out conv.npy\n"
     "minnorm features --train synth:digits,n=100 --features scattering --draw-images responses.png\n"
     "minnorm features --dataset cifar10 --n 2000 --features conv --compare-gemm"},
    {"data", MN_CLI_DATA, mn_cli_data, 0, "--dataset NAME | --train SPEC | --test SPEC [OPTION...]",
     "shows, converts and randomises data sets",
     "Reads a data set and shows its counts, ranges, classes and duplicates; converts it, or a randomised variant, to "
     "another format; draws its first images.",
     "minnorm data --dataset mnist --part test\n"
     "minnorm data --train synth:digits,n=1000 --convert npy:x.npy,y.npy\n"
     "minnorm data --dataset cifar10 --variant shuffled-pixels --seed 1 --convert npy:x.npy,y.npy\n"
     "minnorm data --dataset cifar10 --png sheet.png --rows 8 --cols 12"},
    {"data download", MN_CLI_DOWNLOAD, mn_cli_download, 1, "[mnist|cifar10|all] [OPTION...]",
     "downloads MNIST and CIFAR-10",
     "Downloads the data sets into --data-dir, resumes what was interrupted and verifies checksums. Each file appears "
     "under its name only when whole.",
     "minnorm data download mnist --data-dir data"},
    {"bench", MN_CLI_BENCH, mn_cli_bench, 0, "[OPTION...]",
     "measures Gram, factor, solve and residual against gemm and memory bandwidth",
     "Fills and factors Gram matrices of synthetic samples, and compares the rates with that of a matrix product on "
     "the "
     "same threads, measured before and after.",
     "minnorm bench --n 4000,8000,20000 --repeat 3\n"
     "minnorm bench --n 4000,8000,16000 --data bytes --compare-threads --plot bench.svg"},
    {"info", MN_CLI_INFO, mn_cli_info, 0, "[OPTION...]", "shows version, libraries, threads, memory",
     "Shows what this program was built with and what it finds on this machine.", "minnorm info --json -"},
    {"help", MN_CLI_HELP, mn_cli_help, 2, "[SUBCOMMAND] | --man | --completion", "shows help on a subcommand",
     "Shows the help of a subcommand. --man prints the manual page and --completion the completion script of bash, "
     "both made from the same tables as this text.",
     "minnorm help fit\n"
     "minnorm help --completion > ~/.local/share/bash-completion/completions/minnorm"},
};

const mn_cli_command *mn_cli_commands(size_t *count)
{
  *count = sizeof commands / sizeof *commands;
  return commands;
}

/* The command that the first words name, and how many words that takes. A name of two words comes first. */
static const mn_cli_command *find_command(int argc, char **argv, int *used)
{
  const mn_cli_command *found = NULL;
  for (size_t i = 0; i < sizeof commands / sizeof *commands && argc > 1; i++) {
    const char *name = commands[i].name, *second = strchr(name, ' ');
    size_t length = second ? (size_t)(second - name) : strlen(name);
    if (strlen(argv[1]) != length || memcmp(argv[1], name, length)) continue;
    if (second && (argc < 3 || strcmp(argv[2], second + 1))) continue;
    found = &commands[i];
    *used = second ? 2 : 1;
  }
  return found;
}

/* One line, whatever a file name contains. */
static void print_error(const char *command, const char *text)
{
  mn_cli_progress_clear();
  fprintf(stderr, "minnorm: %s%s", command ? command : "", command ? ": " : "");
  for (; *text; text++) fputc((unsigned char)*text < ' ' || *text == 127 ? '?' : *text, stderr);
  fputc('\n', stderr);
}

static int exit_status(mn_status st)
{
  return st >= 0 ? 0 : st == MN_ERR_ARGUMENT ? 2 : 1;
}

/* Standard streams that the caller closed: no file of ours may get their number, and writing to them must fail. */
static void occupy_streams(void)
{
  for (int fd = 0; fd <= 2; fd++)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) < 0) _exit(1);
}

static mn_status finish_stdout(mn_error *err)
{
  errno = 0;
  int bad = ferror(stdout);
  if (!fflush(stdout) && !bad) return MN_OK;
  return mn_cli_fail(err, MN_ERR_IO, "standard output: %s", errno ? strerror(errno) : "writing failed");
}

static mn_status run_command(mn_cli *cli, int argc, char **argv, int first, mn_error *err)
{
  mn_status st = mn_cli_parse(cli, argc, argv, first, err);
  if (st) return st;
  if (cli->values.help) {
    mn_cli_print_help(cli, stdout);
    return MN_OK;
  }
  mn_cli_interrupt_install(cli->command->name);
  mn_cli_progress_install(cli);
  return cli->command->run(cli, err);
}

/* What stands in the place of a subcommand. */
static mn_status run_without_command(int argc, char **argv, mn_error *err)
{
  mn_info info;
  const char *word = argc > 1 ? argv[1] : "";
  if (!*word) return mn_cli_fail(err, MN_ERR_ARGUMENT, "a subcommand expected; see minnorm --help");
  int help = !strcmp(word, "--help") || !strcmp(word, "-h"), version = !strcmp(word, "--version");
  if (!help && !version)
    return mn_cli_fail(err, MN_ERR_ARGUMENT, "unknown %s %.100s; see minnorm --help",
                       *word == '-' ? "option" : "subcommand", word);
  if (argc > 2) return mn_cli_fail(err, MN_ERR_ARGUMENT, "%s takes no argument; see minnorm --help", word);
  mn_info_get(&info);
  if (help) mn_cli_print_usage(stdout);
  if (version) printf("minnorm %s\n", info.version);
  return MN_OK;
}

int main(int argc, char **argv)
{
  static mn_cli cli; /* large */
  mn_error err = {0};
  int used = 0;
  mn_status st;
  occupy_streams();
  signal(SIGPIPE, SIG_IGN); /* a reader that went away is a write error like any other */
  cli.start_s = mn_report_now_s();
  cli.command = find_command(argc, argv, &used);
  st = cli.command ? run_command(&cli, argc, argv, 1 + used, &err) : run_without_command(argc, argv, &err);
  mn_cli_release(&cli);
  if (st == MN_ERR_CANCELLED) mn_cli_fail(&err, st, "interrupted");
  mn_cli_progress_clear();
  if (st >= 0) st = finish_stdout(&err);
  if (st < 0) print_error(cli.command ? cli.command->name : NULL, err.text[0] ? err.text : mn_status_string(st));
  return exit_status(st);
}
