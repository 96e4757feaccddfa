#include <math.h>
#include <stdio.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/status.h"
#include "minnorm/report.h"

static const mn_number none = {"-"};

mn_number mn_number_count(uint64_t value)
{
  mn_number out;
  mn_group_digits(value, out.text);
  return out;
}

mn_number mn_number_bytes(double bytes)
{
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  mn_number out;
  while (bytes >= 1000 && unit + 1 < sizeof units / sizeof *units) {
    bytes /= 1024;
    unit++;
  }
  snprintf(out.text, sizeof out.text, "%.*f %s", unit && bytes < 100 ? 1 : 0, bytes, units[unit]);
  return out;
}

mn_number mn_number_seconds(double seconds)
{
  mn_number out;
  if (!isfinite(seconds)) return none;
  if (seconds < 0.9995)
    snprintf(out.text, sizeof out.text, "%.3f s", seconds);
  else if (seconds < 119.95)
    snprintf(out.text, sizeof out.text, "%.1f s", seconds);
  else if (seconds < 7199.5)
    snprintf(out.text, sizeof out.text, "%.0f min %02.0f s", floor(round(seconds) / 60), fmod(round(seconds), 60));
  else
    snprintf(out.text, sizeof out.text, "%.0f h %02.0f min", floor(round(seconds / 60) / 60),
             fmod(round(seconds / 60), 60));
  return out;
}

mn_number mn_number_percent(double fraction)
{
  mn_number out;
  if (!isfinite(fraction)) return none;
  snprintf(out.text, sizeof out.text, "%.2f %%", 100 * fraction);
  return out;
}

mn_number mn_number_real(double value, int digits)
{
  mn_number out;
  if (!isfinite(value)) return none;
  snprintf(out.text, sizeof out.text, "%.*g", digits, value);
  return out;
}

double mn_report_now_s(void)
{
  return mn_clock_s();
}

size_t mn_report_peak_rss_bytes(void)
{
  return mn_memory_peak_rss();
}
