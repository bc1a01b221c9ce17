/* Which numbers of a run the views show, by the kind of model. One list per view, so that a
 * language model never shows a network's figures, nor a network a language model's. */
#pragma once

#include "eng-model.h"
#include "eng-run.h"

G_BEGIN_DECLS

#define APP_MAX_FIGURES 16

typedef struct
{
  EngFigureId id;
  const char *title;  /* not translated yet: _ (title) */
  gboolean narrow;    /* shown in a narrow window too */
  gboolean optional;  /* shown only where the run has it */
  const char *tip;    /* what exactly the number is; not translated yet */
  EngFigureId unless; /* of an optional one: not shown where the run has this figure; 0: always
                       * shown */
} AppFigureInfo;

/* The strip under the header, and the tiles above a comparison; at most APP_MAX_FIGURES. */
const AppFigureInfo *app_figures_headline (EngModelKind kind, guint *n);
const AppFigureInfo *app_figures_compare (EngModelKind kind, guint *n);

/* What runs of a model of @kind measure. */
EngWorkloadKind app_figures_workload_kind (EngModelKind kind);
/* TRUE for a figure that does not depend on the workload: comparable when times are not. */
gboolean app_figures_is_static (EngFigureId id);

G_END_DECLS
