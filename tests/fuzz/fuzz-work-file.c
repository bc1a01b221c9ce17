/* Fuzz target: any bytes as a work file. What is accepted keeps its limits and can be written and
 * read again. */
#include "fuzz.h"

#include <string.h>

#include "rt-work.h"

#ifdef LATHE_LIBFUZZER
bool fuzz_accepted;
#endif

static volatile unsigned sink;

static void
touch (const RtWork *work, const uint8_t *bytes, size_t n)
{
  FUZZ_CHECK (work->n_threads <= RT_WORK_MAX_THREADS);
  FUZZ_CHECK (work->n_repeats <= RT_WORK_MAX_REPEATS);
  FUZZ_CHECK (work->interval >= 0 && work->interval < 1);
  FUZZ_CHECK (work->budget_s >= 0 && work->budget_s <= RT_WORK_MAX_BUDGET_S);
  if (work->kind == RT_WORK_TEXT)
    {
      FUZZ_CHECK (work->lookup.max_match <= 8 && work->lookup.min_match <= work->lookup.max_match);
      FUZZ_CHECK (work->lookup.max_match == 0 || work->lookup.tree_width > 0);
      FUZZ_CHECK (work->lookup.length <= 16 && work->lookup.tree_width <= 16);
      FUZZ_CHECK (work->n_prompt > 0 && work->n_prompt <= RT_WORK_MAX_PROMPT);
      FUZZ_CHECK (work->n_ends <= RT_WORK_MAX_ENDS && work->data == NULL);
      for (uint32_t i = 0; i < work->n_prompt; i++)
        FUZZ_CHECK (work->prompt[i] >= 0);
      for (uint32_t i = 0; i < work->n_ends; i++)
        FUZZ_CHECK (work->ends[i] >= 0);
      return;
    }
  const uint8_t *data = work->data;
  if (work->kind == RT_WORK_SCORES)
    {
      RtWorkWindow window;
      uint64_t at = 0;
      uint32_t n_windows = 0;
      for (; rt_work_next_window (work, &at, &window); n_windows++)
        for (uint32_t i = 0; i < window.n; i++)
          FUZZ_CHECK (rt_work_token (window.input, i) >= 0
                      && rt_work_token (window.targets, i) >= 0);
      FUZZ_CHECK (n_windows == work->n_windows && at == work->data_bytes);
      return;
    }
  FUZZ_CHECK (data >= bytes && work->data_bytes == (uint64_t)(bytes + n - data));
  FUZZ_CHECK (work->n_inputs > 0 && work->n_steps > 0 && work->n_inputs % work->n_steps == 0);
  FUZZ_CHECK (work->data_bytes % work->n_inputs == 0);
  for (uint64_t i = 0; i < work->data_bytes; i++)
    sink += data[i];
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t n)
{
  /* With nothing behind it. */
  uint8_t *bytes = malloc (n > 0 ? n : 1);
  RtError error = { 0 };
  RtWork work;

  memcpy (bytes, data, n);
  fuzz_accepted = rt_work_parse (bytes, n, &work, &error);
  FUZZ_CHECK (fuzz_accepted == (error.status == RT_OK));
  FUZZ_CHECK (fuzz_accepted || error.message[0] != '\0');
  if (fuzz_accepted)
    touch (&work, bytes, n);
  rt_work_close (&work);
  free (bytes);
  return 0;
}
