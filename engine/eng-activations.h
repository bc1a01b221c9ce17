/* What flows through a language model on a calibration text: the statistics that rounding, scaling
 * and pruning choose from.
 *
 * Measured once on the model as in its file, unpruned, with float activations: technique
 * "calibration" says on which text. For every matrix product the statistics are those of its input
 * rows, by channel (input column); products that read the same value (query, key and value) share
 * them. Kept in memory while a model is open and on disk in the user's cache (lathe/calibration),
 * where a measurement that was interrupted goes on. */
#pragma once

#include "eng-build-private.h"

G_BEGIN_DECLS

typedef struct _EngActivations EngActivations; /* immutable, reference counted, safe between
                                                * threads */

typedef enum
{
  ENG_ACTIVATIONS_CHANNELS, /* statistics by channel, histograms, blocks: one pass over the text */
  ENG_ACTIVATIONS_HESSIANS, /* and the second moments of all pairs of channels: as many passes as
                             * memory asks for */
} EngActivationsDepth;

/* For edit() and quantize(), and for jobs; never for sketches (a wrong call). Blocking, the first
 * time: runs the text; progress and cancel go through lowering->job. What is there already, in
 * memory or on disk, is not measured again. Fails for networks, without a tokenizer, with a text
 * that cannot be read or is too short, when cancelled. Free with eng_activations_unref(). */
EngActivations *eng_lowering_get_activations (EngLowering *lowering, EngActivationsDepth depth,
                                              GError **error);
/* The same outside of a lowering: for searches and views. */
EngActivations *eng_activations_load (EngModel *model, EngRecipe *recipe, EngActivationsDepth depth,
                                      EngJob *job, GError **error);

/* What is known already, in memory or, with @reads_disk (megabytes: not on the main thread), on
 * disk; NULL: not measured yet, or being measured now. For sketches and for words: never runs the
 * text. */
EngActivations *eng_activations_peek (EngModel *model, EngRecipe *recipe, gboolean reads_disk);

EngActivations *eng_activations_ref (EngActivations *activations);
void eng_activations_unref (EngActivations *activations); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngActivations, eng_activations_unref)

/* All that the statistics depend on (model, text, tokens), for eng_lowering_mark(): "calibration
 * 0123456789abcdef". Cheap: for apply() and sketches. A text that cannot be read has a key of its
 * own; measuring will say why. Newly allocated. */
char *eng_lowering_dup_calibration_key (EngLowering *lowering);

guint eng_activations_get_n_tokens (EngActivations *activations);
/* "8192 tokens of the bundled calibration texts" */
const char *eng_activations_get_source (EngActivations *activations);

/* Arrays are borrowed, [n_channels]. */
typedef struct
{
  gsize n_channels;
  guint64 n_tokens;
  const float *mean, *mean_square, *max_abs;
} EngChannelStats;

/* Of the rows that matrix @tensor_name ("blk.3.attn_q.weight") is multiplied with; of a tied
 * embedding, those of the output. FALSE: no product reads it. Of a gated feed-forward block also
 * what its gate has become, SiLU or GELU (x gate^T), by the name "blk.3.ffn_act". */
gboolean eng_activations_get_channels (EngActivations *activations, const char *tensor_name,
                                       EngChannelStats *stats);

/* |x| below which @share (0..1) of the values lie; @channel -1: of all channels together. From
 * histograms with 8 bins an octave (of all channels) or 4 (of one): within 5 % and 10 %, never
 * above the largest value that was seen. */
gboolean eng_activations_get_quantile (EngActivations *activations, const char *tensor_name,
                                       int channel, double share, float *abs_value);

/* Mean over the tokens of x x^T: [n][n] f32, row-major, symmetric; free with g_free(). Needs
 * ENG_ACTIVATIONS_HESSIANS. Reads a file of the cache (4 n (n + 1) / 2 bytes). NULL with
 * ENG_ERROR_NOT_FOUND: no product reads @tensor_name; others: the cache cannot be read. */
float *eng_activations_load_hessian (EngActivations *activations, const char *tensor_name, gsize *n,
                                     GError **error);

/* What block @layer does to the residual stream: mean over the tokens of cosine (before, after) and
 * of |after - before| / |before| (Euclidean). FALSE: no such block. */
gboolean eng_activations_get_block (EngActivations *activations, int layer, double *cosine,
                                    double *relative_change);

/* ---- of a matrix on its way: columns that are gone left out, scales of the others applied ---- */

/* Arrays are newly allocated, [matrix->n_cols]; free with eng_matrix_channels_clear(). What the
 * columns' activations are once they are divided by matrix->scales. Quantiles and histograms stay
 * the file's. FALSE: no product reads the matrix. */
typedef struct
{
  guint64 n_tokens;
  float *mean, *mean_square, *max_abs;
} EngMatrixChannels;
gboolean eng_matrix_get_channels (EngActivations *activations, const EngMatrix *matrix,
                                  EngMatrixChannels *channels);
void eng_matrix_channels_clear (EngMatrixChannels *channels);
/* [matrix->n_cols][matrix->n_cols], as eng_activations_load_hessian(). */
float *eng_matrix_load_hessian (EngActivations *activations, const EngMatrix *matrix,
                                GError **error);

G_END_DECLS
