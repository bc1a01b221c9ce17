/* Making an evaluation, for the files that fill one. */
#pragma once

#include "eval/eng-evaluation.h"

G_BEGIN_DECLS

struct _EngEvaluation
{
  gatomicrefcount ref_count;
  char *data, *title, *source, *against, *against_hash, *key;
  const char *grouped_by; /* interned */
  gboolean is_itself;
  double seconds;
  guint n_samples;
  GPtrArray *notes;   /* char *, ends with NULL once finished */
  GPtrArray *metrics; /* EngEvalMetric, owned */
};

EngEvaluation *eng_evaluation_new (const char *data, const char *title);
/* @groups: EngEvalValue [n_groups], taken; their names are copied. */
void eng_evaluation_take_metric (EngEvaluation *evaluation, const char *id,
                                 const EngEvalValue *whole, EngEvalValue *groups, guint n_groups);
void eng_evaluation_note (EngEvaluation *evaluation, const char *format, ...) G_GNUC_PRINTF (2, 3);
void eng_evaluation_end_notes (EngEvaluation *evaluation);

G_END_DECLS
