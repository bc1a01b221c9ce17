/* Accuracy per layer: what the changes of a build cost, layer by layer, against the same model
 * without the techniques that change results. Three different things, all over the same units
 * (windows of text, inputs of a network):
 *
 *   local error        what leaves the layer when only its own weights and arithmetic are changed,
 *                      given the reference's inputs
 *   accumulated error  what leaves the layer in the changed build as it is
 *   sensitivity        what the outputs lose when only this layer is changed
 *
 * "What leaves the layer" of a language model's block is the stream after it, which holds what went
 * around it, too. Immutable once made; reference counted; safe between threads. */
#pragma once

#include <json-glib/json-glib.h>

#include "eng-figure.h"
#include "eng-layer-pair.h"
#include "eng-model.h"

G_BEGIN_DECLS

/* What one layer, or the whole build, showed in one unit. Everything adds up over units. */
typedef struct
{
  EngErrorSums local, accumulated;
  EngErrorSums outputs;  /* networks: what the network gives, only this layer changed */
  double n_scored;       /* tokens; of networks 1 */
  double n_labelled;     /* networks: 1 when the input has a label */
  double reference_loss; /* language: -ln p of the tokens that came, nats; networks: 1 when the
                          * reference is wrong */
  double loss;           /* the same, only this layer changed */
  double divergence;     /* language: Kullback-Leibler, reference to changed, nats */
  double n_agree;        /* best token or class is the reference's */
} EngLayerUnit;

#define ENG_LAYER_UNIT_NUMBERS (sizeof (EngLayerUnit) / sizeof (double))

/* The same as ratios, with 95 % intervals over units. */
typedef struct
{
  gboolean is_exact;  /* no bit differs: the SQNR is infinite */
  EngFigure sqnr_db;  /* 10 log10 (signal / noise), dB; unavailable when exact */
  EngFigure relative; /* noise / signal as a share of amplitude, sqrt, % (relative L2); 0 when
                       * exact */
  double cosine;      /* 1: the same direction; NAN without signal */
} EngLayerDeviation;

typedef struct
{
  const char *reason;   /* why there is nothing of this layer, borrowed; NULL: there is */
  guint n_units;        /* measured so far; 0: not yet */
  gboolean is_borrowed; /* from another recipe that changes this layer in the same way: local error
                         * and sensitivity hold, what accumulates is not known */
  EngLayerDeviation local, accumulated;
  EngLayerDeviation outputs; /* networks */
  EngFigure loss;            /* change of the task's metric when only this layer is changed: nat, or
                              * percentage points of accuracy lost */
  EngFigure divergence;      /* language: nat */
  EngFigure agreement;       /* best token or class unchanged, % */
} EngLayerError;

typedef struct _EngLayerErrors EngLayerErrors;
#define ENG_TYPE_LAYER_ERRORS (eng_layer_errors_get_type ())
GType eng_layer_errors_get_type (void);
EngLayerErrors *eng_layer_errors_ref (EngLayerErrors *errors);
void eng_layer_errors_unref (EngLayerErrors *errors);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngLayerErrors, eng_layer_errors_unref)

EngModelKind eng_layer_errors_get_kind (EngLayerErrors *errors);
int eng_layer_errors_get_n_layers (EngLayerErrors *errors); /* layers are -1 .. n */
/* "Block 3"; where matrices stand in place of layers "blk.3.ffn_down". Newly allocated. */
char *eng_layer_errors_dup_name (EngLayerErrors *errors, EngModel *model, int layer);
/* "16 windows of 128 tokens of novel.txt" */
const char *eng_layer_errors_get_data (EngLayerErrors *errors);
const char *eng_layer_errors_get_recipe (EngLayerErrors *errors); /* what was changed, in words */
guint eng_layer_errors_get_n_units (EngLayerErrors *errors);      /* wanted */
gboolean eng_layer_errors_is_complete (EngLayerErrors *errors);   /* every layer over every unit */
double eng_layer_errors_get_progress (EngLayerErrors *errors);    /* 0..1 */
/* Figures of one layer, borrowed. */
const EngLayerError *eng_layer_errors_get (EngLayerErrors *errors, int layer);
/* All layers changed at once, the build as it is: loss, divergence, agreement, outputs; the rest is
 * empty. */
const EngLayerError *eng_layer_errors_get_whole (EngLayerErrors *errors);
/* What the lane and lists rank by: divergence of language models, relative error of the outputs of
 * networks (%). */
EngFigure eng_layer_errors_get_sensitivity (EngLayerErrors *errors, int layer);
const char *eng_layer_errors_sensitivity_unit (EngModelKind kind); /* "nat", "%" */
/* "+0.0012 nat (0.0008–0.0016)"; "exact" for no difference. For people. */
char *eng_layer_deviation_format (const EngLayerDeviation *deviation);

/* One JSON member: figures with units in their names, per layer. */
void eng_layer_errors_write (EngLayerErrors *errors, EngModel *model, JsonBuilder *builder,
                             const char *member);

/* ---- making one ---- */

typedef struct _EngLayerTable EngLayerTable;

/* Records of units as they come: a table that snapshots are made of. */
EngLayerTable *eng_layer_table_new (EngModelKind kind, int n_layers, guint n_units,
                                    const char *data, const char *recipe);
void eng_layer_table_free (EngLayerTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngLayerTable, eng_layer_table_free)
#define ENG_LAYER_WHOLE G_MAXINT /* in place of a layer */
/* [n_layers + 2]: of what stands in place of layers */
void eng_layer_table_set_names (EngLayerTable *table, const char *const *names);
void eng_layer_table_set_reason (EngLayerTable *table, int layer, const char *reason);
void eng_layer_table_put (EngLayerTable *table, guint unit, int layer, const EngLayerUnit *record);
/* What another recipe that changes @layer in the same way has shown; the accumulated error of
 * @record is left out. Does not count as measured. */
void eng_layer_table_borrow (EngLayerTable *table, guint unit, int layer,
                             const EngLayerUnit *record);
/* The borrowed record; NULL: none. */
const EngLayerUnit *eng_layer_table_get_borrowed (EngLayerTable *table, guint unit, int layer);
gboolean eng_layer_table_has (EngLayerTable *table, guint unit, int layer);
EngLayerErrors *eng_layer_table_snapshot (EngLayerTable *table);

/* "-0x1.8p+3 0x0p+0 …": the record's numbers, to the last bit, and back. */
char *eng_layer_unit_to_text (const EngLayerUnit *record);
gboolean eng_layer_unit_from_text (const char *text, EngLayerUnit *record);

G_END_DECLS
