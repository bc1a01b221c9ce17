/* Scales per channel that move size between weights and activations without changing what the model
 * computes: where they fit in, and how they are found. For the technique "equalization" and its
 * test.
 *
 *   x ─► norm · w ─► product W     w / s and W's columns · s
 *   up rows U, then down D         U's rows / s and D's columns · s  (the gate's factor passes
 *                                                                    through)
 *   v rows V, then attn_output O   V's rows / s and O's columns · s  (attention mixes tokens, not
 *                                                                    channels) */
#pragma once

#include "eng-activations.h"

G_BEGIN_DECLS

typedef enum
{
  ENG_EQUALIZE_NONE,
  ENG_EQUALIZE_AWQ,    /* s = rms (x) ^ a, the a of least expected error of the products */
  ENG_EQUALIZE_SMOOTH, /* s = max |x| ^ a / max |w| ^ (1 - a), a given */
} EngEqualizeMethod;

typedef enum
{
  ENG_FOLD_NORM,   /* into a norm's weight vector */
  ENG_FOLD_ROWS,   /* into the rows of another matrix */
  ENG_FOLD_VALUES, /* into the rows of the value projection, through attention */
} EngFoldKind;

#define ENG_FOLD_MAX_MATRICES 8

/* A place for scales: everything that reads the scaled values is among the matrices. */
typedef struct
{
  EngFoldKind kind;
  int layer;
  guint matrices[ENG_FOLD_MAX_MATRICES]; /* tensors whose columns are multiplied */
  guint n_matrices;
  guint from;         /* ROWS, VALUES: tensor whose rows are divided */
  const char *vector; /* value of the source graph: the norm's weights, or a bias that goes with the
                       * rows; NULL: none */
  gsize n;            /* scales */
  guint group, head_dim; /* VALUES: query heads that share a head of values, and its size */
} EngFold;

/* All places of a language model, in network order: GArray of EngFold. From the graph as in the
 * file, milliseconds; free with g_array_unref(). */
GArray *eng_fold_list (EngModel *model);

/* The scale that belongs to column @column of the fold's matrices. */
static inline gsize
eng_fold_channel (const EngFold *fold, gsize column)
{
  if (fold->kind != ENG_FOLD_VALUES)
    return column;
  return column / fold->head_dim / fold->group * fold->head_dim + column % fold->head_dim;
}

/* ---- finding scales: pure arithmetic on numbers that are there ---- */

/* One matrix of a fold. */
typedef struct
{
  const float *rows; /* [n_rows][n_cols], a sample of the matrix */
  gsize n_rows, n_cols;
  int dtype;                       /* what it will be packed in */
  const float *mean, *mean_square; /* [n_cols] of its activations */
  const float *moments;            /* [n_cols][n_cols] mean of x x^T; NULL: not known */
  const float *reach; /* [n_cols] a magnitude that few of a column's activations pass */
} EngEqualizePart;

/* Expected squared error of the outputs when columns are multiplied by @scales [fold->n] before
 * packing and activations divided, over the outputs' own mean square, summed over the matrices:
 * value rows are small beside query rows and matter as much. It is that of rounding the weights, d
 * H d^T of each row's error d with the second moments H (where they are not known, sum of d^2
 * Var[x] + (sum of d E[x])^2, which leaves out how channels go together but for their means), and
 * that of 8-bit activations, sum of W^2 step^2 / 12, their step from the largest reach of those
 * that share a scale. */
double eng_equalize_error (const EngFold *fold, const EngEqualizePart *parts, guint n_parts,
                           const float *scales);

/* magnitude ^ exponent / weight ^ (1 - exponent) (@weight_max NULL: the magnitude's power alone),
 * then all divided by their geometric mean and kept within 1e-4 .. 1e4. Channels that are always
 * zero keep 1. */
void eng_equalize_scales (const float *magnitude, const float *weight_max, gsize n, double exponent,
                          float *scales);

/* ---- scales of a model ---- */

typedef struct
{
  float *scales; /* [fold->n] */
  double exponent;
  double error, plain_error; /* eng_equalize_error() with them and without */
} EngFolded;

/* What a fold's scales depend on: method, exponent, formats, calibration; NULL: the recipe
 * equalizes nothing there. Milliseconds. Newly allocated. */
char *eng_fold_dup_key (EngModel *model, EngRecipe *recipe, const EngFold *fold);
/* The scales, found now or before; belongs to the model. NULL and @error: no statistics, cancelled.
 * Never for sketches. */
const EngFolded *eng_fold_find (EngLowering *lowering, const EngFold *fold, GError **error);
/* If they were found before; else NULL. */
const EngFolded *eng_fold_peek (EngModel *model, EngRecipe *recipe, const EngFold *fold);

G_END_DECLS
