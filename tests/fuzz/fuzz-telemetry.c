/* Fuzz target: any bytes as the telemetry of a board, at once and in pieces: the same lines come of
 * both, whatever the pieces; and taken up again from where the reader says, none comes twice. */
#include "fuzz.h"

#include <math.h>
#include <string.h>

#include <glib.h>

#include "eng-telemetry.h"

#ifdef LATHE_LIBFUZZER
bool fuzz_accepted;
#endif

typedef struct
{
  guint64 n, sum, last;
  gboolean any;
} Seen;

static void
check (const EngTelemetryLine *line, gpointer data)
{
  Seen *seen = data;

  FUZZ_CHECK (line->kind < ENG_N_TELEMETRY_KINDS);
  FUZZ_CHECK (!seen->any || line->n > seen->last);
  seen->any = TRUE;
  seen->last = line->n;
  seen->n++;
  seen->sum = seen->sum * 31 + line->n * 7 + line->kind;
  if (line->kind == ENG_TELEMETRY_TRACE)
    for (guint i = 0; i < line->trace.n_records; i++)
      FUZZ_CHECK (line->trace.records[i].start_ns <= line->trace.records[i].end_ns);
  if (line->kind == ENG_TELEMETRY_PASS)
    FUZZ_CHECK (line->pass.ns >= 0 && isfinite (line->pass.ns));
  if (line->kind == ENG_TELEMETRY_ERROR)
    FUZZ_CHECK (g_utf8_validate (line->error.message, -1, NULL));
  if (line->kind == ENG_TELEMETRY_OUTPUT && line->output.n_bytes > 0)
    seen->sum += line->output.bytes[line->output.n_bytes - 1];
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t n)
{
  const char *bytes = (const char *)data;
  Seen whole = { 0 }, pieces = { 0 }, cut = { 0 };
  EngTelemetryCounts counts;
  EngTelemetry *telemetry = eng_telemetry_new (check, &whole);

  eng_telemetry_feed (telemetry, bytes, n);
  eng_telemetry_close (telemetry);
  eng_telemetry_get_counts (telemetry, &counts);
  FUZZ_CHECK (counts.n_lines == whole.n);
  FUZZ_CHECK ((counts.n_refused > 0) == (eng_telemetry_get_complaint (telemetry) != NULL));
  fuzz_accepted = counts.n_refused == 0 && counts.n_lines > 0;
  eng_telemetry_free (telemetry);

  telemetry = eng_telemetry_new (check, &pieces);
  for (size_t at = 0, step = 1; at < n; at += step)
    {
      step = MIN (1 + (step * 7 + data[at]) % 41, n - at);
      eng_telemetry_feed (telemetry, bytes + at, step);
    }
  eng_telemetry_close (telemetry);
  FUZZ_CHECK (pieces.n == whole.n && pieces.sum == whole.sum);
  eng_telemetry_free (telemetry);

  /* A link that is lost after half of it. */
  telemetry = eng_telemetry_new (check, &cut);
  eng_telemetry_feed (telemetry, bytes, n / 2);
  guint64 from = eng_telemetry_resume (telemetry);
  FUZZ_CHECK (from <= n / 2);
  eng_telemetry_feed (telemetry, bytes + from, n - from);
  eng_telemetry_close (telemetry);
  FUZZ_CHECK (counts.n_refused > 0 || (cut.n == whole.n && cut.sum == whole.sum));
  eng_telemetry_free (telemetry);
  return 0;
}
