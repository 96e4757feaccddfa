/* Pictures of minnorm express. */
#include <stdlib.h>

#include "express.h"

mn_status mn_cli_express_plot(const mn_cli *cli, const mn_cli_express_run *run, mn_error *err)
{
  (void)cli, (void)run, (void)err;
  return MN_OK;
}
