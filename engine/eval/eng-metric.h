/* Metrics: one file each behind one table (eng-metric.c). A metric says what it is, which models
 * and which truths it applies to, and what one sample adds to it; folding samples into figures with
 * intervals, changes and groups is eng-scores.c. */
#pragma once

#include "eng-model.h"
#include "eng-run.h"
#include "eval/eng-interval.h"

G_BEGIN_DECLS

/* What a set knows about its samples. */
typedef enum
{
  ENG_TRUTH_TEXT,      /* the next token */
  ENG_TRUTH_QUESTIONS, /* which of the answers */
  ENG_TRUTH_LABELS,    /* a class of each input */
  ENG_TRUTH_BOXES,     /* things in each picture */
  ENG_TRUTH_POINTS,    /* where landmarks are */
  ENG_TRUTH_MASKS,     /* the class of each pixel */
  ENG_TRUTH_SOUNDS,    /* the sound without noise */
  ENG_TRUTH_NONE,      /* inputs alone: agreement with the baseline is all that can be said */
  ENG_N_TRUTHS
} EngTruthKind;

typedef struct
{
  float x0, y0, x1, y1; /* shares of the picture */
  int class;            /* of the network; -1: none of its classes */
  gboolean crowd;       /* matches are neither right nor wrong */
} EngTruthBox;

/* One sample with what both builds said of it; only the members of its truth are set. [1] is the
 * baseline; NULL without one. */
typedef struct
{
  EngTruthKind truth;
  guint group; /* of eng_scores_group() */

  /* TEXT: one block of neighbouring tokens, in nats. */
  guint n_tokens;
  gsize n_bytes;
  const double *nll[2];     /* [n_tokens] -ln p of the token that came */
  const double *divergence; /* [n_tokens] KL (baseline || build); NULL without a baseline */
  const guint8 *same;       /* [n_tokens] both have the same best token */

  /* QUESTIONS. */
  guint n_choices, answer;
  const double *log_p[2];    /* [n_choices] ln p of the answer's tokens after the question */
  const guint *choice_bytes; /* [n_choices] */

  /* Inputs of networks. Of boxes and masks the number of a group is that of its class. */
  gboolean is_known; /* the set knows anything of this sample */
  EngResult *result[2];
  int label;        /* class of the network; -1: none */
  gboolean listens; /* the label is 1 where the one thing that is listened for is there, else 0 */
  guint n_boxes;
  const EngTruthBox *boxes;
  guint n_points;
  const EngPoint *points; /* score: > 0 labelled */
  double point_scale[2];  /* width and height of what the points lie on, in shares */
  double picture_aspect;  /* width over height */
  const guint8 *mask;     /* [mask_width * mask_height], 255: not labelled */
  guint mask_width, mask_height;
  EngSound *sound;         /* the clean one */
  const float *outputs[2]; /* the first output as real numbers; NULL: unknown */
  gsize n_outputs;
} EngScored;

typedef enum
{
  ENG_FOLD_MEAN,      /* sum / n */
  ENG_FOLD_EXP,       /* exp (sum / n) */
  ENG_FOLD_SHARE,     /* hits / tries, in % */
  ENG_FOLD_DECIBEL,   /* -10 log10 (sum / n): noise over signal */
  ENG_FOLD_QUANTILE,  /* the 99th percentile of kept numbers */
  ENG_FOLD_STATISTIC, /* of kept samples; bootstrap over samples */
} EngFold;

typedef struct
{
  const char *id, *title, *unit;
  const char *summary; /* one sentence: what exactly the number is */
  gboolean lower_is_better;
  gboolean needs_baseline;
  double ideal; /* of a build with itself, for metrics that need a baseline */
  EngFold fold;
  EngFigureId figure; /* in the run; ENG_N_FIGURES: only in the evaluation */
  guint fewest;       /* tries for an interval of the whole; 0: ENG_MIN_UNITS samples are enough */

  /* Why not for this model and this truth; NULL: it applies. Static. */
  const char *(*applies) (EngModel *model, EngTruthKind truth);
  /* MEAN, EXP, SHARE. What @sample adds for build @which; FALSE: nothing. */
  gboolean (*score) (const EngScored *sample, guint which, double *sum, double *n);
  /* QUANTILE: append the sample's numbers to the array of double. STATISTIC: keep what is needed of
   * it, freed by @drop. */
  void (*numbers) (const EngScored *sample, GArray *numbers);
  gpointer (*keep) (const EngScored *sample);
  GDestroyNotify drop;
  /* Of kept [indices[i]], for class @group (-1: all). NAN: not defined. */
  double (*statistic) (gpointer const *kept, const guint *indices, guint n, guint which, int group);
} EngMetric;

const EngMetric *const *eng_metric_list (guint *n);
const EngMetric *eng_metric_find (const char *id); /* NULL: none */
/* "perplexity, bits-per-byte, ...": for messages */
char *eng_metric_dup_list (void);
/* "texts", "questions", "labels": for messages */
const char *eng_truth_name (EngTruthKind truth);

/* One file each. */

/* eng-metric-text.c */
extern const EngMetric eng_metric_perplexity, eng_metric_bits_per_byte;
/* eng-metric-divergence.c */
extern const EngMetric eng_metric_kl_mean, eng_metric_kl_p99, eng_metric_token_agreement;
/* eng-metric-choice.c */
extern const EngMetric eng_metric_choice, eng_metric_choice_normalised;
/* eng-metric-class.c */
extern const EngMetric eng_metric_top1, eng_metric_top5, eng_metric_heard;
/* eng-metric-agreement.c */
extern const EngMetric eng_metric_output_agreement, eng_metric_output_sqnr;
/* eng-metric-boxes.c */
extern const EngMetric eng_metric_precision, eng_metric_precision_half;
/* a file each */
extern const EngMetric eng_metric_points, eng_metric_mask, eng_metric_sound;

G_END_DECLS
