/* The work file: which inputs to run, how often, what to send home. Lathe's desktop writes it; the
 * form is engine/runtime/rt-work.h's, of kind "inputs". */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct
{
  int32_t file;
  uint32_t budget_ms; /* for repeats */
  uint32_t interval_ppm; /* so narrow the 95 % interval of a pass is to be; 0: the budget decides */
  uint32_t n_repeats; /* clean passes in all; 0: the budget decides */
  uint32_t n_inputs, n_steps;
  bool all_outputs, last_output; /* which are sent */
  uint32_t data_at, data_bytes;  /* in the file */
} Work;

/* false: it was told as an error. */
bool work_open (Work *work, const char *path);
