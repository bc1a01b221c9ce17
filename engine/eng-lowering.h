/* The build being made: what techniques write their decisions into before anything is packed, and
 * the way of a matrix's numbers from the file to its packed form:
 *
 *   transform()   the source graph with fewer nodes or other shapes           every technique, in
 *                                                                             list order
 *   apply()       formats, fusions, threads; marks the tensors to be changed  every technique
 *   rewrite()     the fused graph                                             every technique
 *   then, one matrix at a time, only for those that are marked:
 *     file rows -> f32 [n_rows, n_cols] -> edit() of each that marked it, in list order ->
 *       quantize() or rounding to nearest -> packed
 *
 * For techniques and for the files of the build. */
#pragma once

#include "eng-job.h"
#include "eng-technique.h"
#include "rt-fuse.h"
#include "rt-plan.h"

G_BEGIN_DECLS

struct _EngLowering
{
  EngModel *model;   /* borrowed */
  EngRecipe *recipe; /* borrowed */

  /* The graph before fusion: the model's, or what transforms have made of it. */
  const RtGraph *source;

  /* Decisions, at their plainest values until a technique changes them. */
  int *dtypes; /* [eng_model_get_n_tensors ()] format that each matrix is packed in; as in the file
                */
  float *densities;  /* [eng_model_get_n_tensors ()] the share of the numbers that will not be zero,
                      * where formats that store only those are chosen; 1 */
  KnDtype kv_format; /* F16 */
  guint32 n_ctx;     /* positions of the cache */
  guint32 n_threads;
  guint32 fusions;      /* RtFusion flags; 0: the source graph as it is */
  guint32 late_fusions; /* those that come after the techniques' rewrites */
  RtPlanner planner;
  guint32 n_outputs;       /* tokens of one run whose logits are wanted; 1 */
  EngModel *draft_model;   /* owned; NULL: the drafter, if there is one, is this model */
  EngRecipe *draft_recipe; /* owned; of the drafter that is built with the build; NULL: none */

  gboolean is_bare;     /* the network without front end and task */
  gboolean is_observed; /* see eng_build_new_observed() */
  gboolean is_sketch;   /* see eng_build_new_sketch(): shapes and formats count, numbers do not */
  EngJob *job;          /* of the build; nullable */
  GPtrArray *graphs;    /* the build's: RtGraph that live as long as it */

  GPtrArray *notes;       /* char * */
  GArray *marks;          /* EngMark, private to eng-lowering.c */
  RtTokenizer *tokenizer; /* of a trimmed vocabulary, for the build to take; NULL: the model's */
  GData *data;            /* what techniques keep from transform() to edit(), by their id:
                           * g_datalist_set_data_full() */
};

/* One weight matrix on its way from the file to its packed form. */
struct _EngMatrix
{
  guint tensor;     /* index in the model's list */
  const char *name; /* "blk.3.ffn_down.weight" */
  int layer;
  gsize n_rows, n_cols;
  float *data;      /* [n_rows][n_cols], of g_malloc(): edit() may shrink or replace it */
  guint32 *columns; /* [n_cols]: the file's column (input channel) that each one is, of g_malloc();
                     * NULL: all, in order */
  float *scales;    /* [columns in the file]: what they were multiplied by, their activations being
                     * divided by it, of g_malloc(); NULL: 1 */
};

/* For rewrite() and transform(): @graph owns constants of the one that is returned. Takes it. */
void eng_lowering_keep (EngLowering *lowering, RtGraph *graph);

/* For apply(): say what could not be done as asked. */
void eng_lowering_note (EngLowering *lowering, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* "@technique cannot be combined with @other: @why". Always FALSE, so that apply() can return
 * it. */
gboolean eng_lowering_refuse (GError **error, const EngTechnique *technique, const char *other,
                              const char *why);

/* For apply(): edit() and quantize() of @by, as far as it has them, are wanted for tensor @tensor.
 * The key says all that their result depends on (parameters, the key of the calibration): it
 * becomes part of the build's hash, and builds share packed matrices whose keys are the same. */
void eng_lowering_mark (EngLowering *lowering, guint tensor, const EngTechnique *by,
                        const char *key_format, ...) G_GNUC_PRINTF (4, 5);
gboolean eng_lowering_is_marked (EngLowering *lowering, guint tensor, const EngTechnique *by);

/* The shape of a tensor after the transforms. FALSE: the graph no longer has it. */
gboolean eng_lowering_tensor_shape (EngLowering *lowering, guint tensor, gsize *n_rows,
                                    gsize *n_cols);

/* For edit(): only these rows or columns stay, @n indices in rising order. */
void eng_matrix_keep_rows (EngMatrix *matrix, const guint32 *rows, gsize n);
void eng_matrix_keep_columns (EngMatrix *matrix, const guint32 *columns, gsize n);
/* Column i times @factors[i], [n_cols]; the activations are meant to be divided by it elsewhere. */
void eng_matrix_scale_columns (EngMatrix *matrix, const float *factors);

/* ---- for the build ---- */

/* All decisions. FALSE and @error: a technique refuses. */
gboolean eng_lowering_decide (EngLowering *lowering, const RtGraph *source, GError **error);
void eng_lowering_clear (EngLowering *lowering);
/* All keys of a tensor in one text, newly allocated; NULL: nobody changes it. */
char *eng_lowering_dup_key (EngLowering *lowering, guint tensor);
/* Rows of @dtype blocks of a tensor, changed as techniques want it: kn_row_bytes() apart, newly
 * allocated. Memory: the matrix in f32 besides. Cancelled through lowering->job. */
guint8 *eng_lowering_make_blocks (EngLowering *lowering, guint tensor, int dtype, gsize *n_rows,
                                  gsize *n_cols, GError **error);

G_END_DECLS
