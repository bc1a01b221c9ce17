/* Two builds of one model, run layer by layer: what one layer of the changed build makes of the
 * reference build's values, and what the rest of the reference build makes of that. Three questions
 * of one unit (a window of text, one step of a network's input) are answered without another build:
 *
 *     reference   ─► 0 ─► 1 ─► 2 ─► 3 ─►        the whole run; values between layers are saved
 *     changed     ─► 0'─► 1'─► 2'─► 3'─►        the whole run: accumulated error of every layer
 *     local       ·  ·  saved ─► 2'              one layer of the changed build, fed from the
 *                                                reference
 *     rest        ·  ·  ·  ·     2' ─► 3 ─►     what only this layer's change does to the outputs
 *
 * Layers are those of the changed build's graph. Values are lined up by the source nodes that fused
 * nodes stand for; where the two builds hold a value in different types (8-bit integers and floats)
 * it is converted with its own scale. */
#pragma once

#include "eng-build.h"

G_BEGIN_DECLS

typedef enum
{
  ENG_SIDE_REFERENCE,
  ENG_SIDE_CHANGED,
} EngSide;

/* What leaves a layer, in the changed build beside the reference: sums over all its numbers, which
 * add up over units. */
typedef struct
{
  double signal;  /* of reference^2 */
  double noise;   /* of (changed - reference)^2 */
  double changed; /* of changed^2 */
  double dot;     /* of changed * reference */
} EngErrorSums;

typedef struct _EngLayerPair EngLayerPair;

/* Both are referenced. Of one model, or of two files of one network, whose nodes have the same
 * names; of a network both or neither are bare. Runs have at most @max_tokens tokens, all with
 * logits (language models). The two executors run on @pool, which outlives the pair. */
/* What is changed alone. */
typedef enum
{
  ENG_PAIR_LAYERS,
  ENG_PAIR_MATRICES, /* every operator that reads a packed matrix, in the order of the graph, in
                      * place of the layers: "layer" i is the operator i + 1. Both builds are
                      * unfused language models */
} EngPairGrain;

/* Names of what ENG_PAIR_MATRICES counts in an unfused graph; NULL-terminated, g_strfreev(). */
GStrv eng_pair_list_matrices (const RtGraph *graph);

#define ENG_LAYER_NONE G_MININT
/* @watched: of this layer every float that a node of the reference gives can be read after a whole
 * run; ENG_LAYER_NONE: none. */
EngLayerPair *eng_layer_pair_new (EngBuild *reference, EngBuild *changed, guint max_tokens,
                                  EngPairGrain grain, int watched, RtPool *pool, GError **error);
void eng_layer_pair_free (EngLayerPair *pair); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngLayerPair, eng_layer_pair_free)

RtExec *eng_layer_pair_get_exec (EngLayerPair *pair, EngSide side);
int eng_layer_pair_get_n_layers (EngLayerPair *pair); /* layers are -1 .. n, as on the layer axis */
/* Why @layer cannot be looked at alone; NULL: it can. */
const char *eng_layer_pair_get_reason (EngLayerPair *pair, int layer);
/* Why no layer can be compared at all (values that live from run to run); NULL. */
gboolean eng_layer_pair_has_state (EngLayerPair *pair);

/* The steps of one unit, in this order. The caller runs the executor of @side after each of the
 * _begin functions, all with the same inputs. begin_whole (REFERENCE), run, save; begin_whole
 * (CHANGED), run, accumulated () for each layer; then for each layer: begin_local, run CHANGED,
 * local (); begin_rest, run REFERENCE, read its outputs. */
gboolean eng_layer_pair_begin_whole (EngLayerPair *pair, EngSide side, GError **error);
void eng_layer_pair_save (EngLayerPair *pair);
void eng_layer_pair_accumulated (EngLayerPair *pair, int layer, EngErrorSums *sums);
gboolean eng_layer_pair_begin_local (EngLayerPair *pair, int layer, GError **error);
void eng_layer_pair_local (EngLayerPair *pair, int layer, EngErrorSums *sums);
gboolean eng_layer_pair_begin_rest (EngLayerPair *pair, int layer, GError **error);
/* FALSE: no node is left to run after @layer: its outputs are those of the graph. */
gboolean eng_layer_pair_has_rest (EngLayerPair *pair, int layer);

/* ---- the watched layer ---- */

guint eng_layer_pair_get_n_watched (EngLayerPair *pair);
/* After a whole run of the reference: the operator that gives the value (borrowed) and its numbers,
 * until the next run. */
const float *eng_layer_pair_get_watched (EngLayerPair *pair, guint index, const char **node,
                                         gsize *n);
/* The quantization that the changed build holds this value in, and its type; NULL: as floats.
 * Borrowed. */
const RtQuant *eng_layer_pair_get_watched_quant (EngLayerPair *pair, guint index, int *type);

/* ---- arithmetic, for tests ---- */

void eng_error_sums_add (EngErrorSums *sums, const float *reference, const float *changed, gsize n);
/* @n numbers of @type with @quant (one scale; nullable) as floats, and back (rounded half to even,
 * clamped). FALSE: not plain numbers. */
gboolean eng_to_floats (int type, const RtQuant *quant, const void *data, gsize n, float *floats);
gboolean eng_from_floats (int type, const RtQuant *quant, const float *floats, gsize n, void *data);

G_END_DECLS
