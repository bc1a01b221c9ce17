/* The build being made: what techniques write their decisions into, before anything is packed; and
 * the finished build's insides for the files that share them. */
#pragma once

#include "eng-build.h"
#include "eng-technique.h"
#include "rt-fuse.h"

G_BEGIN_DECLS

struct _EngLowering
{
  EngModel *model;   /* borrowed */
  EngRecipe *recipe; /* borrowed */

  /* Decisions, at their plainest values until a technique changes them. */
  int *dtypes; /* [eng_model_get_n_tensors ()] format that each matrix is packed in; as in the file
                */
  KnDtype kv_format; /* F16 */
  guint32 n_ctx;     /* positions of the cache */
  guint32 n_threads;
  guint32 fusions; /* RtFusion flags; 0: the source graph as it is */
  RtPlanner planner;

  GPtrArray *notes; /* char * */
};

/* For apply(): say what could not be done as asked. */
void eng_lowering_note (EngLowering *lowering, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* The format nearest to @wanted that rows of @n_cols values can have:
 *   256-wide blocks that do not fit: Q4_K -> Q4_1, Q5_K -> Q5_1 (same code width, minimum kept,
 * 32-wide), Q6_K -> Q8_0; 32-wide blocks that do not fit: F16. Never fewer bits than were asked
 * for. */
int eng_fit_dtype (int wanted, guint64 n_cols);

struct _EngBuild
{
  GObject parent_instance;

  EngModel *model;
  EngRecipe *recipe;
  guint n_tensors;
  int *dtypes;        /* [n_tensors] */
  RtWeight **weights; /* [n_tensors], shared with other builds */
  RtGraph *channels_last; /* of a network: what fusion began with; owns constants of graph. NULL */
  const RtGraph *graph;
  gboolean owns_graph; /* else it is the model's, or channels_last */
  GPtrArray *extra;    /* RtWeight: matrices that a pass made, not in the model's list */
  RtPool *pool;
  gboolean owns_pool; /* else it is that of the build this is the bare one of */
  gboolean is_bare;
  GMutex mutex;       /* guards bare */
  EngBuild *bare;     /* NULL until it is asked for */
  RtExec *exec;
  guint max_tokens;
  KnDtype kv_format;
  char *hash;
  GStrv notes;
  EngLayerMemory *layer_memory; /* [n_layers + 2]: index layer + 1 */
  EngLayerMemory *node_memory;  /* [n_nodes] of the executed graph */
};

/* The model's tensor that weight value @id of the executed graph is, or -1. */
int eng_build_tensor_of_value (EngBuild *build, RtValueId id);
/* Fill layer_memory and node_memory from the finished executor's plan. */
void eng_build_measure_memory (EngBuild *build);
/* The packed matrix, borrowed: for tests of sharing. */
const RtWeight *eng_build_get_weight (EngBuild *build, const EngTensor *tensor);

G_END_DECLS
