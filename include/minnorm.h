/* minnorm: exact minimum-norm kernel interpolation. This header brings all of the library's public interface. */
#ifndef MINNORM_H
#define MINNORM_H

#include "minnorm/bench.h"
#include "minnorm/context.h"
#include "minnorm/data.h"
#include "minnorm/express.h"
#include "minnorm/features.h"
#include "minnorm/interpolants.h"
#include "minnorm/kernel.h"
#include "minnorm/model.h"
#include "minnorm/options.h"
#include "minnorm/page.h"
#include "minnorm/plot.h"
#include "minnorm/products.h"
#include "minnorm/report.h"
#include "minnorm/samples.h"
#include "minnorm/solve.h"
#include "minnorm/status.h"
#include "minnorm/stream.h"
#include "minnorm/sweep.h"
#include "minnorm/types.h"

#endif
