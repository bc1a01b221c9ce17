/* The finished build's insides for the files that share them. The build being made is
 * eng-lowering.h. */
#pragma once

#include "eng-build.h"
#include "eng-lowering.h"
#include "eng-technique.h"
#include "rt-fuse.h"

G_BEGIN_DECLS

/* eng_build_new() as a part of @job, which does not end with it. */
EngBuild *eng_build_new_within (EngModel *model, EngRecipe *recipe, EngBuild *reuse, EngJob *job,
                                GError **error);

/* A build whose values can all be read after a run and are what the recipe's float network
 * computes: for calibration. Blocking. */
EngBuild *eng_build_new_observed (EngModel *model, EngRecipe *recipe, EngJob *job, GError **error);

/* The graph and the decisions of a build, without packed weights, threads, executor or hash: what
 * estimates are made of. Nothing is calibrated. Milliseconds. Only the graph, the formats and
 * get_notes() of it may be asked for; see eng-sketch.h. */
EngBuild *eng_build_new_sketch (EngModel *model, EngRecipe *recipe, GError **error);
/* The format of every value of the executed graph as the executor reads it: [n_values], -1 for what
 * is not packed. Newly allocated. */
int *eng_build_dup_value_dtypes (EngBuild *build);
/* What tensor @tensor, [n_rows, n_cols] now, takes packed; of a sparse one that is not packed yet
 * what is expected. */
guint64 eng_build_weight_bytes (EngBuild *build, guint tensor, guint64 n_rows, guint64 n_cols);
/* What every sparse value of the executed graph takes packed, or is expected to take; 0: as its
 * format says. [n_values], newly allocated. */
guint64 *eng_build_dup_value_bytes (EngBuild *build);

/* The format nearest to @wanted that rows of @n_cols values can have:
 *   256-wide blocks that do not fit: Q4_K -> Q4_1, Q5_K -> Q5_1 (same code width, minimum kept,
 * 32-wide), Q6_K -> Q8_0, Q2_K and ternary -> Q2_64, Q3_K -> Q3_64 (64-wide); 64-wide: Q4_0;
 * 32-wide blocks that do not fit: F16. Never fewer bits than were asked for. */
int eng_fit_dtype (int wanted, guint64 n_cols);

struct _EngBuild
{
  GObject parent_instance;

  EngModel *model;
  EngRecipe *recipe;
  guint n_tensors;
  int *dtypes;      /* [n_tensors] */
  float *densities; /* [n_tensors] of what is stored sparse: before it is packed, as expected */
  char **keys;      /* [n_tensors] what techniques have made of the numbers; NULL: nothing */
  const RtGraph *source;  /* the model's, or what transforms made of it: one of graphs */
  RtTokenizer *tokenizer; /* NULL: the model's */
  RtWeight **weights; /* [n_tensors], shared with other builds; NULL: the graph no longer has it */
  const RtGraph *graph; /* the last of graphs, or the model's */
  GPtrArray *graphs;    /* RtGraph: what passes made, in order; the earlier ones own constants of
                         * the later ones */
  GPtrArray *extra;     /* RtWeight: matrices that a pass made, not in the model's list */
  RtPool *pool;
  gboolean owns_pool; /* else it is that of the build this is the bare one of */
  gboolean is_bare, is_observed, is_sketch;
  guint32 n_threads, n_ctx; /* as decided */
  RtPlanner planner;
  GMutex mutex;      /* guards bare */
  EngBuild *bare;    /* NULL until it is asked for */
  EngBuild *drafter; /* runs on our threads; NULL: none */
  RtExec *exec;
  guint max_tokens;
  guint n_outputs; /* tokens of a run that give logits, at most: 1 unless the recipe speculates */
  KnDtype kv_format;
  char *hash;
  GStrv notes;
  EngLayerMemory *layer_memory; /* [n_layers + 2]: index layer + 1 */
  EngLayerMemory *node_memory;  /* [n_nodes] of the executed graph */
};

/* The graph before transforms: the model's, or its bare one. */
const RtGraph *eng_build_get_source_graph (EngBuild *build);
/* From the lowering's source graph to the one that is executed: layout, fusion, what techniques
 * rewrite, the rest of fusion. */
gboolean eng_build_make_graph (EngBuild *build, EngLowering *lowering, GError **error);
/* Pack the weights that the graph reads; those that @reuse has alike are shared. Reports to @job
 * and ends with it. */
gboolean eng_build_pack (EngBuild *build, EngLowering *lowering, EngBuild *reuse, EngJob *job,
                         GError **error);
/* Pack matrices that passes made into @by_value, [n_values]. */
gboolean eng_build_pack_extra (EngBuild *build, RtWeight **by_value, RtError *rt_error);
/* Fill hash. */
void eng_build_make_hash (EngBuild *build, const EngLowering *lowering);

/* The model's tensor that weight value @id of the executed graph is, or -1. */
int eng_build_tensor_of_value (EngBuild *build, RtValueId id);
/* Fill layer_memory and node_memory from the plan that the executor has, or would have; @kv_bytes:
 * of the whole cache. */
void eng_build_measure_memory (EngBuild *build, const RtPlan *plan, guint64 kv_bytes);
/* The packed matrix, borrowed: for tests of sharing. */
const RtWeight *eng_build_get_weight (EngBuild *build, const EngTensor *tensor);

G_END_DECLS
