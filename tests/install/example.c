/* Fits the kernel interpolant of least norm to drawn digits and says how it does on others. */
#include <minnorm.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
  mn_error err = {0};
  mn_data *train = NULL, *test = NULL;
  mn_model *model = NULL;
  double *scores = NULL;
  mn_metrics metrics = {0};
  mn_fit_options options = mn_fit_defaults(); /* Gaussian kernel, ridge 0 */

  if (mn_data_open("synth:digits,n=1000", NULL, &train, &err) < 0) goto done;
  if (mn_data_open("synth:digits,part=test,n=500", NULL, &test, &err) < 0) goto done;
  if (mn_model_fit(train, &options, NULL, &model, &err) < 0) goto done;
  scores = malloc(test->n * mn_model_outputs(model) * sizeof *scores);
  if (!scores || mn_model_predict(model, test, NULL, scores, &err) < 0) goto done;
  if (mn_model_score(model, test, scores, &metrics, &err) < 0) goto done;
  printf("gamma %.4g, norm %.4g, test error %.2f %%\n", mn_model_report(model)->kernel.gamma,
         mn_model_report(model)->norm, 100 * metrics.error);
done:
  if (err.code < 0) fprintf(stderr, "%s\n", err.text);
  free(scores);
  mn_model_close(&model);
  mn_data_close(&test);
  mn_data_close(&train);
  return err.code < 0 || !scores;
}
