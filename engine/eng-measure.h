/* The passes of a run: prompt and decode steps, clean and instrumented, timed. Private to the
 * run. */
#pragma once

#include "eng-draft.h"
#include "eng-repeat.h"
#include "eng-run.h"
#include "eng-speculation-rounds.h"
#include "eng-stream.h"

G_BEGIN_DECLS

typedef struct
{
  EngBuild *build; /* borrowed, as everything that is not said to be owned */
  RtExec *exec;
  const RtTokenizer *tokenizer;
  const EngWorkload *workload;
  EngProfiler *profiler;
  const EngRunEvents *events; /* NULL: nobody listens */
  GCancellable *cancellable;

  char *prompt_text; /* owned: with the chat template around it */
  gint32 *prompt;    /* owned by malloc: tokens */
  gsize n_prompt;
  GArray *generated;  /* owned: gint32 */
  RtSampler *sampler; /* owned */
  EngStream stream;   /* owned */
  const char *stop;   /* why the text ended; NULL while it goes on */
  gboolean cancelled;
  gboolean not_finite;                         /* the model gave logits that are no numbers */
  RtRepeatVerdict decode_ended, prompt_ended;  /* why their repeats ended; MORE: stopped */

  /* Samples in nanoseconds, owned: double. */
  GArray *prefill;     /* clean: whole prompt */
  GArray *first_token; /* clean: text in to first token chosen */
  GArray *step_clean;  /* decode: the executor's part */
  GArray *token_clean; /* decode: with choosing the token */
  GArray *step_traced; /* decode: sum of the nodes of instrumented steps */
  GArray *overhead;    /* fraction: sum of nodes over the clean step beside it, less one */

  /* Of a run that speculates (eng-measure-speculate.c); NULL: it does not. */
  struct _EngMeasureSpeculation *speculation; /* owned */
  EngSpeculationRounds *rounds;               /* owned */
} EngMeasure;

/* Tokenize the workload. FALSE: the prompt is empty, too long for the context, or there is no
 * tokenizer. */
gboolean eng_measure_init (EngMeasure *measure, EngBuild *build, const EngWorkload *workload,
                           GError **error);
void eng_measure_clear (EngMeasure *measure);
/* When nothing more is measured: completes measure->rounds->record. */
void eng_measure_finish (EngMeasure *measure);
/* Warm-up and prompt: an instrumented pass over the first chunk, then a clean one over everything,
 * which chooses the first token. */
gboolean eng_measure_prompt (EngMeasure *measure, GError **error);
/* Decode until something ends it; steps are clean and instrumented in turn. A cancelled step is not
 * an error: measure->cancelled. */
gboolean eng_measure_decode (EngMeasure *measure, GError **error);
/* After the text is done: its decode steps and the prompt once more, until their figures are known
 * as well as the workload asks, or its budget is spent (half of it for the steps). */
gboolean eng_measure_repeat (EngMeasure *measure, GError **error);
/* A few steps of prompt and text with performance counters, for the layers; without them, the
 * reason is kept. Half a second at most. */
gboolean eng_measure_count (EngMeasure *measure, GError **error);

G_END_DECLS
