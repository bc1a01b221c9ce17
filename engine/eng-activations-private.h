/* The insides of calibration statistics, for the files that measure, keep and read them. */
#pragma once

#include "eng-activations.h"

G_BEGIN_DECLS

/* Histograms of |x|: bins are cut at powers of two and evenly inside of them, which is what the top
 * bits of a float are. The first bin holds all that is smaller, the last all that is larger. */
#define ENG_ALL_BITS 3 /* 8 bins an octave, all channels together */
#define ENG_ALL_LOW (-24)
#define ENG_ALL_BINS (40 << ENG_ALL_BITS)
#define ENG_ONE_BITS 2 /* 4 bins an octave, one channel */
#define ENG_ONE_LOW (-16)
#define ENG_ONE_BINS (24 << ENG_ONE_BITS)

/* The most tokens: counts of one channel are 16 bits. */
#define ENG_ACTIVATIONS_MAX_TOKENS 65535

/* One value that matrices are multiplied with, or that a gate has become. */
typedef struct
{
  char *name;                          /* of the value: "blk.3.attn_norm" */
  int layer;                           /* of its first reader; of a gate's, its own */
  gboolean is_multiplied;              /* else it has no second moments */
  gsize n;                             /* channels */
  gboolean is_spoilt;                  /* not all of it was finite */
  float *mean, *mean_square, *max_abs; /* [n] */
  guint64 *all;                        /* [ENG_ALL_BINS] */
  guint16 *one;                        /* [n][ENG_ONE_BINS] */
} EngSite;

typedef struct
{
  double cosine, relative_change; /* means over the tokens */
} EngBlockEffect;

struct _EngActivations
{
  gatomicrefcount ref_count;
  char *key;       /* 64 hex digits */
  char *directory; /* of the cache */
  char *source;
  guint n_tokens;
  GPtrArray *sites;      /* EngSite, in network order; gates behind all others */
  /* Name, of a gate's the value's, -> index in sites + 1; the model's graph makes it, not the
   * file. */
  GHashTable *by_tensor;
  guint n_layers;
  EngBlockEffect *blocks; /* [n_layers] */
};

EngActivations *eng_activations_new (EngModel *model, const char *key, const char *directory);
void eng_site_free (gpointer site);
/* The bin of |x|. */
guint eng_histogram_log_bin (float x, int bits, int low, guint n_bins);

/* ---- what to measure with ---- */

/* Windows of tokens, as they are fed. */
typedef struct
{
  gint32 *tokens; /* [n_windows][window] */
  guint n_windows, window;
  char *source; /* in words */
} EngCalibrationTokens;

gboolean eng_calibration_tokens_make (EngModel *model, EngRecipe *recipe,
                                      EngCalibrationTokens *tokens, GError **error);
void eng_calibration_tokens_clear (EngCalibrationTokens *tokens);
char *eng_calibration_dup_key (EngModel *model, EngRecipe *recipe); /* 64 hex digits */

/* Fill @self (statistics by channel, when it has none yet) and write the second moments that the
 * cache lacks, when @hessians. */
gboolean eng_activations_measure (EngActivations *self, EngModel *model, EngRecipe *recipe,
                                  gboolean channels, gboolean hessians, EngJob *job,
                                  GError **error);

/* ---- second moments: eng-activations-moments.c ---- */

typedef struct _EngMoments EngMoments;

/* Sums of x x^T over rows of @n channels; 4 n^2 bytes. */
EngMoments *eng_moments_new (gsize n);
void eng_moments_free (EngMoments *moments); /* accepts NULL */
void eng_moments_add (EngMoments *moments, const float *rows, guint n_rows, RtPool *pool);
/* The lower triangle, row by row, as means over @n_rows: [n (n + 1) / 2]. */
void eng_moments_finish (EngMoments *moments, guint64 n_rows, float *triangle);

/* ---- on disk: eng-activations-file.c ---- */

char *eng_activations_dup_directory (const char *key);
/* FALSE: not there, cut short, damaged, of another program: to be measured. */
gboolean eng_activations_read (EngActivations *self);
gboolean eng_activations_write (EngActivations *self, GError **error);
gboolean eng_activations_has_hessian (EngActivations *self, guint site);
/* triangle */
float *eng_activations_read_hessian (EngActivations *self, guint site, GError **error);
gboolean eng_activations_write_hessian (EngActivations *self, guint site, const float *triangle,
                                        GError **error);
/* Remove the oldest measurements until what is left and @more bytes fit the cache's limit. */
void eng_activations_make_room (EngActivations *self, guint64 more);

G_END_DECLS
