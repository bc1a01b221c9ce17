/* Price list: what every layer costs in every precision (loss, time, bytes), and the mixture that a
 * budget buys best.
 *
 *              F16      Q8_0     Q4_0
 *   Block 0    0        0.0001   0.0210   nat
 *   Block 1    0        0.0001   0.0013
 *   ...
 *
 * Loss is the sensitivity of the layer (eng-sensitivity.h), time that of its operators on this
 * device (eng-estimate.h, from measured kernels), bytes are exact. Losses of layers are added up;
 * how far that holds is what the dependence option measures. */
#pragma once

#include "eng-estimate.h"
#include "eng-history.h"
#include "eng-job.h"

G_BEGIN_DECLS

typedef struct
{
  gboolean same;      /* the layer is as it is without the technique */
  EngFigure loss;     /* only this layer changed: nat of language models, % of networks; 0 and exact
                       * when same; unavailable with the reason */
  EngFigure restored; /* all layers changed, what taking this one back gains: the same unit;
                       * unavailable unless dependence was measured */
  double ns;          /* of a decode step or an inference; NAN: unknown */
  EngBasis basis;     /* what it rests on */
  double bytes;       /* packed weights */
} EngPrice;

typedef struct _EngPrices EngPrices; /* immutable, reference counted */
#define ENG_TYPE_PRICES (eng_prices_get_type ())
GType eng_prices_get_type (void);
EngPrices *eng_prices_ref (EngPrices *prices);
void eng_prices_unref (EngPrices *prices);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngPrices, eng_prices_unref)

typedef struct
{
  const char *const *choices; /* ids of precisions; NULL: eng_prices_default_choices() */
  guint n_windows;            /* of text for the losses; 0: ENG_SENSITIVITY_WINDOWS */
  const char *inputs;         /* of a network: as in EngSensitivityConfig */
  gboolean dependence;        /* measure also what each layer is worth when all others are
                               * changed */
  double bench_s;             /* seconds for timing kernels that were never timed; 0: none */
} EngPriceConfig;

/* The technique and parameter whose choices are the columns: "weight-format.format" of language
 * models, "int8.precision" of networks. */
void eng_prices_get_param (EngModelKind kind, const char **technique, const char **param);
/* The columns when nobody chose: those that the model's rows fit, from the widest. g_strfreev(). */
GStrv eng_prices_default_choices (EngModel *model);

/* What is known already, without running anything; cells may be unavailable. Tenths of a second. */
EngPrices *eng_prices_load (EngModel *model, EngRecipe *base, const EngPriceConfig *config,
                            EngEstimator *estimator, EngHistory *history, GError **error);
/* Measures what is missing: sensitivities (kept in the history, resumed), kernels. Blocking;
 * minutes for a hundred million weights. Of @base all but the priced parameter is kept. What
 * dependence measures is kept until the program ends. @func (nullable) gets what is there, now and
 * then. */
typedef void (*EngPricesFunc) (EngPrices *so_far, gpointer user_data);
EngPrices *eng_prices_measure (EngModel *model, EngRecipe *base, const EngPriceConfig *config,
                               EngEstimator *estimator, EngHistory *history, EngJob *job,
                               EngPricesFunc func, gpointer user_data, GError **error);

EngModel *eng_prices_get_model (EngPrices *prices);
EngRecipe *eng_prices_get_base (EngPrices *prices);
guint eng_prices_get_n_choices (EngPrices *prices);
const char *eng_prices_get_choice (EngPrices *prices, guint choice); /* id */
const char *eng_prices_get_choice_title (EngPrices *prices, guint choice);
/* those that have weights to choose for */
guint eng_prices_get_n_layers (EngPrices *prices);
int eng_prices_get_layer (EngPrices *prices, guint row); /* on the layer axis */
const EngPrice *eng_prices_get (EngPrices *prices, guint row, guint choice);
/* of what does not depend on the choice: layers without choices; NAN: unknown */
double eng_prices_get_rest_ns (EngPrices *prices);
/* operators without matrices whose time is unknown and in no sum */
guint eng_prices_get_n_untimed (EngPrices *prices);
double eng_prices_get_rest_bytes (EngPrices *prices);
const char *eng_prices_get_loss_unit (EngPrices *prices); /* "nat", "%" */
/* "0.0123 nat", "4.96e-5 nat"; newly allocated */
char *eng_prices_format_loss (EngPrices *prices, double loss);
gboolean eng_prices_has_dependence (EngPrices *prices);

/* ---- buying ---- */

typedef enum
{
  ENG_BUDGET_SIZE,    /* bytes of weights, at most; the loss is made small */
  ENG_BUDGET_LATENCY, /* ns of a step, at most; the loss is made small */
  ENG_BUDGET_LOSS,    /* loss, at most; the time is made small */
} EngBudgetKind;

typedef struct
{
  guint row, from, to;  /* choices */
  double spared, added; /* of what is bounded; of what is made small */
} EngPriceStep;

typedef struct
{
  EngBudgetKind kind;
  double budget;
  gboolean is_exact;      /* found by dynamic programming */
  gboolean is_feasible;   /* FALSE: even the cheapest mixture exceeds the budget, and that is what
                           * stands here */
  guint *choices;         /* [n_layers] */
  double bytes, ns, loss; /* of the mixture, all layers: sums */
  GArray *steps; /* EngPriceStep: exchanges in the order of their worth; empty when exact */
} EngPurchase;

/* The mixture for @budget. Best exchange first (@exact FALSE): every layer begins at its least of
 * what is made small, then the exchange that costs least of it for each unit of what is bounded is
 * made, until the budget is kept; what then still fits is taken back, the most worth first. Exact:
 * dynamic programming over the front of sums (multiple-choice knapsack; Nemhauser and Ullmann
 * 1969). Cells that are unavailable are not bought. NULL and @error: a layer has no cell. */
EngPurchase *eng_prices_buy (EngPrices *prices, EngBudgetKind kind, double budget, gboolean exact,
                             GError **error);
void eng_purchase_free (EngPurchase *purchase);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngPurchase, eng_purchase_free)

/* The least and the most that @kind can be. */
void eng_prices_get_range (EngPrices *prices, EngBudgetKind kind, double *least, double *most);

/* One sentence on why @row has its choice; newly allocated. */
char *eng_purchase_dup_reason (EngPrices *prices, const EngPurchase *purchase, guint row);
/* The base with the mixture: the commonest choice for the whole, rules for the others. */
EngRecipe *eng_purchase_make_recipe (EngPrices *prices, const EngPurchase *purchase,
                                     GError **error);

/* ---- the arithmetic, for tests ---- */

typedef struct
{
  double spend; /* what the budget bounds */
  double value; /* what is made small */
  gboolean available;
} EngPriceOption;

/* @options: [n_rows][n_choices]. Fills @choices [n_rows] and, when best exchange first, @steps
 * (nullable). FALSE: even the cheapest exceeds the budget. */
gboolean eng_price_exchange (const EngPriceOption *options, guint n_rows, guint n_choices,
                             double budget, guint *choices, GArray *steps);
gboolean eng_price_solve (const EngPriceOption *options, guint n_rows, guint n_choices,
                          double budget, guint *choices);

G_END_DECLS
