/* The run's insides, for the files that make, write and read one. */
#pragma once

#include "eng-run.h"

G_BEGIN_DECLS

struct _EngRun
{
  GObject parent_instance;

  char *id;
  gint64 time;
  char *model_name, *model_hash, *build_hash, *isa, *engine_version;
  char *machine_json;
  EngRecipe *recipe;
  EngWorkload *workload;
  EngFigure figures[ENG_N_FIGURES];
  EngProfile *profile;
  char *text;
  EngResult *result; /* NULL: none, or from the history */
  guint n_inferences;
  const char *stop; /* static or interned */
  guint n_prompt, n_generated, n_threads, n_ctx;
  EngValidity validity;
  GStrv reasons, notes;
};

/* All figures unavailable: those that runs of @kind have as "not recorded". */
void eng_run_clear_figures (EngRun *run, EngWorkloadKind kind);

G_END_DECLS
