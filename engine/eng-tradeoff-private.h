/* What eng-tradeoff-runs.c, eng-tradeoff.c and eng-tradeoff-text.c share. */
#pragma once

#include "eng-tradeoff.h"

G_BEGIN_DECLS

/* One run, read far enough. */
typedef struct
{
  char *id, *model_name, *model_hash, *build_hash, *recipe_text;
  EngRecipe *recipe;   /* NULL: unreadable */
  char *workload_key;  /* equal for equal workloads */
  char *workload;      /* in words */
  char *device;        /* in words; equal for equal devices */
  char *set;           /* what it is an evaluation on; NULL: it is none */
  EngWorkloadKind kind;
  EngRunModel model;
  gint64 time;
  EngValidity validity;
  gboolean estimate;
  EngFigure figures[ENG_N_FIGURES];
} EngTradeoffRun;

struct _EngTradeoffRuns
{
  GPtrArray *runs;   /* EngTradeoffRun, newest first */
  GHashTable *known; /* ids, of the runs */
};

/* Whether only an evaluation gives figure @id. */
gboolean eng_figure_id_is_evaluated (EngFigureId id);
/* Whether figure @id depends on workload and device. */
gboolean eng_figure_id_is_timed (EngFigureId id);

void eng_tradeoff_write_sentences (EngTradeoff *self, const EngTradeoffQuery *query);
void eng_tradeoff_shorten_labels (GPtrArray *points);

G_END_DECLS
