/* Sketch: what a recipe would be executed as, without packing a weight: the fused graph, the format
 * of every matrix, the memory plan. Made in milliseconds; what estimates are computed from. Of a
 * network that is to be quantized no calibration is run: shapes and formats do not depend on it. */
#pragma once

#include "eng-build.h"

G_BEGIN_DECLS

typedef struct _EngSketch EngSketch; /* immutable, reference counted */

/* Fails where making the build would fail before any weight is packed. Blocking; from any
 * thread. */
EngSketch *eng_sketch_new (EngModel *model, EngRecipe *recipe, GError **error);
EngSketch *eng_sketch_ref (EngSketch *sketch);
void eng_sketch_unref (EngSketch *sketch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngSketch, eng_sketch_unref)

EngModel *eng_sketch_get_model (EngSketch *sketch);
EngRecipe *eng_sketch_get_recipe (EngSketch *sketch);
const RtGraph *eng_sketch_get_graph (EngSketch *sketch); /* as it would be executed */
guint eng_sketch_get_n_threads (EngSketch *sketch);
guint eng_sketch_get_n_ctx (EngSketch *sketch);
guint eng_sketch_get_max_tokens (EngSketch *sketch);
/* [n_values]: the format of packed matrices, -1 for all else */
const int *eng_sketch_get_dtypes (EngSketch *sketch);
/* of a sparse weight: the share that is not zero, as expected; else 1 */
double eng_sketch_get_density (EngSketch *sketch, RtValueId value);
KnDtype eng_sketch_get_kv_format (EngSketch *sketch);
const char *const *eng_sketch_get_notes (EngSketch *sketch);

/* The same numbers as of the build: exact. Without the rings of the trace, and without what
 * operators make of their constants when the executor is made. */
void eng_sketch_get_memory (EngSketch *sketch, RtMemory *memory);
void eng_sketch_get_layer_memory (EngSketch *sketch, int layer, EngLayerMemory *memory);
void eng_sketch_get_node_memory (EngSketch *sketch, RtNodeId node, EngLayerMemory *memory);

/* The node's signature (eng-kernel-table.h) and what it costs in a run of these sizes. */
const char *eng_sketch_get_signature (EngSketch *sketch, RtNodeId node);
void eng_sketch_get_cost (EngSketch *sketch, RtNodeId node, const int64_t *symbols, guint position,
                          RtCost *cost);

G_END_DECLS
