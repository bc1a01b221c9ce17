/* What the files of the price list share. */
#pragma once

#include "eng-build-private.h"
#include "eng-price.h"

G_BEGIN_DECLS

struct _EngPrices
{
  gatomicrefcount ref_count;
  EngModel *model;
  EngRecipe *base; /* without the priced parameter */
  GStrv choices;
  guint n_choices, n_layers;
  int *layers;      /* [n_layers] */
  EngPrice *prices; /* [n_layers][n_choices] */
  double rest_ns, rest_bytes;
  guint n_untimed;
};

EngPrice *eng_prices_at (EngPrices *prices, guint row, guint choice);
/* The base with one choice everywhere. */
EngRecipe *eng_prices_uniform (EngPrices *prices, guint choice);
/* @recipe with @choice for one layer. */
EngRecipe *eng_prices_with_layer (EngPrices *prices, EngRecipe *recipe, int layer,
                                  const char *choice, GError **error);

/* Inter-layer dependence: fills "restored" from what was measured since the program began, or
 * measures it. */
void eng_prices_load_dependence (EngPrices *prices);
gboolean eng_prices_measure_dependence (EngPrices *prices, EngJob *job, GError **error);

G_END_DECLS
