/* The lists of figures. Called by the headline, the comparison and the history; no widgets. */
#include "app-figures.h"

#include "app-config.h"

#include <glib/gi18n.h>

static const AppFigureInfo language_headline[] = {
  { ENG_FIGURE_DECODE, N_ ("Decode speed"), TRUE },
  { ENG_FIGURE_FIRST_TOKEN, N_ ("Time to first token"), TRUE },
  { ENG_FIGURE_PEAK_MEMORY, N_ ("Peak memory"), TRUE },
};

static const AppFigureInfo network_headline[] = {
  { ENG_FIGURE_INFERENCE, N_ ("Latency"), TRUE },
  { ENG_FIGURE_INFERENCES, N_ ("Inferences"), FALSE },
  { ENG_FIGURE_SURROUNDINGS, N_ ("Around the network"), TRUE },
  { ENG_FIGURE_PEAK_MEMORY, N_ ("Peak memory"), TRUE },
};

static const AppFigureInfo language_compare[] = {
  { ENG_FIGURE_DECODE, N_ ("Decode speed"), TRUE },
  { ENG_FIGURE_PREFILL, N_ ("Prefill speed"), FALSE },
  { ENG_FIGURE_FIRST_TOKEN, N_ ("Time to first token"), TRUE },
  { ENG_FIGURE_PEAK_MEMORY, N_ ("Peak memory"), TRUE },
};

static const AppFigureInfo network_compare[] = {
  { ENG_FIGURE_INFERENCE, N_ ("Latency"), TRUE },
  { ENG_FIGURE_NETWORK, N_ ("Network alone"), FALSE },
  { ENG_FIGURE_SURROUNDINGS, N_ ("Around the network"), TRUE },
  { ENG_FIGURE_PEAK_MEMORY, N_ ("Peak memory"), TRUE },
};

const AppFigureInfo *
app_figures_headline (EngModelKind kind, guint *n)
{
  *n = kind == ENG_MODEL_NETWORK ? G_N_ELEMENTS (network_headline)
                                 : G_N_ELEMENTS (language_headline);
  return kind == ENG_MODEL_NETWORK ? network_headline : language_headline;
}

const AppFigureInfo *
app_figures_compare (EngModelKind kind, guint *n)
{
  *n = kind == ENG_MODEL_NETWORK ? G_N_ELEMENTS (network_compare)
                                 : G_N_ELEMENTS (language_compare);
  return kind == ENG_MODEL_NETWORK ? network_compare : language_compare;
}

EngWorkloadKind
app_figures_workload_kind (EngModelKind kind)
{
  return kind == ENG_MODEL_NETWORK ? ENG_WORKLOAD_INPUT : ENG_WORKLOAD_TEXT;
}

gboolean
app_figures_is_static (EngFigureId id)
{
  return id == ENG_FIGURE_PEAK_MEMORY;
}
