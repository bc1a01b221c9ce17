/* Result: what a network said about one input, as a person reads it: labels with scores, boxes,
 * points, a mask, a picture, a sound, values over time, or, when nobody knows what it means, plain
 * statistics of the outputs. Made by a task (tasks/); immutable; reference counted.
 *
 * Places are in shares of the input picture: x 0 (left) to 1 (right), y 0 (top) to 1 (bottom). */
#pragma once

#include "data/eng-input.h"

G_BEGIN_DECLS

typedef enum
{
  ENG_RESULT_LABELS,  /* scores of classes, best first */
  ENG_RESULT_BOXES,   /* each with a score, a label, maybe points; best first */
  ENG_RESULT_POINTS,  /* landmarks, with edges to draw between them, and a score of the whole */
  ENG_RESULT_MASK,    /* a class, or a share of foreground, per pixel */
  ENG_RESULT_PICTURE, /* another picture */
  ENG_RESULT_SOUND,   /* another sound */
  ENG_RESULT_SERIES,  /* values over time */
  ENG_RESULT_SCORE,   /* one number with a threshold */
  ENG_RESULT_TEXT,    /* what was read */
  ENG_RESULT_TENSORS, /* statistics of every output */
} EngResultKind;

typedef struct
{
  guint index;       /* of the class */
  const char *label; /* "goldfish", or "class 2" where the card knows no names */
  double score;      /* 0 .. 1 where the network ends in a softmax or a sigmoid, else as it says */
} EngScore;

typedef struct
{
  float x, y;
  float score; /* NAN: the network gives none */
} EngPoint;

typedef struct
{
  float x0, y0, x1, y1;
  EngScore what;
  guint n_points;
  const EngPoint *points; /* [n_points]: eyes, nose...; NULL when there are none */
} EngBox;

#define ENG_N_BINS 32

typedef struct
{
  const char *name;
  int type; /* RtType */
  RtShape shape;
  double min, max, mean, deviation; /* of the real numbers that quantized values stand for */
  guint64 n_not_finite;             /* left out of the four above */
  guint32 bins[ENG_N_BINS];         /* how many lie in each of as many equal parts from min to
                                     * max */
  guint n_first;
  const double *first; /* the first few */
} EngOutputStats;

typedef struct _EngResult EngResult;
#define ENG_TYPE_RESULT (eng_result_get_type ())
GType eng_result_get_type (void);
EngResult *eng_result_ref (EngResult *result);
void eng_result_unref (EngResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngResult, eng_result_unref)

EngResultKind eng_result_get_kind (EngResult *result);
const char *eng_result_kind_name (EngResultKind kind); /* "labels": the JSON field */
EngInput *eng_result_get_input (EngResult *result);    /* what it is about */

/* LABELS. */
guint eng_result_get_n_scores (EngResult *result);
const EngScore *eng_result_get_score (EngResult *result, guint index);
/* BOXES. */
guint eng_result_get_n_boxes (EngResult *result);
const EngBox *eng_result_get_box (EngResult *result, guint index);
/* POINTS. Edges are pairs of indices: [2 * n_edges]. */
const EngPoint *eng_result_get_points (EngResult *result, guint *n);
const guint8 *eng_result_get_edges (EngResult *result, guint *n);
/* MASK, over the whole input picture. @soft: bytes are shares of foreground (255: all), else class
 * numbers; classes have names. */
const guint8 *eng_result_get_mask (EngResult *result, guint *width, guint *height, gboolean *soft);
const char *eng_result_get_class_name (EngResult *result, guint index); /* NULL: unknown */
/* PICTURE and SOUND. */
EngPicture *eng_result_get_picture (EngResult *result);
/* What part of the input picture the result's picture shows, in shares of it, and in how many
 * pixels the network saw it; 0 x 0: unknown, all of it. */
void eng_result_get_frame (EngResult *result, double frame[4], guint *width, guint *height);
EngSound *eng_result_get_sound (EngResult *result);
/* SERIES: value i of a series is at start + i * step seconds. A threshold of NAN: none. */
guint eng_result_get_n_series (EngResult *result);
const char *eng_result_get_series_name (EngResult *result, guint index);
const double *eng_result_get_series (EngResult *result, guint index, guint *n);
void eng_result_get_series_times (EngResult *result, double *start_s, double *step_s);
double eng_result_get_threshold (EngResult *result); /* SERIES and SCORE */
/* SCORE, the score of the whole for POINTS, and the mean of a SERIES where that is the verdict
 * (NAN: it is not). */
double eng_result_get_value (EngResult *result);
/* TENSORS. */
guint eng_result_get_n_outputs (EngResult *result);
const EngOutputStats *eng_result_get_output (EngResult *result, guint index);

/* As a person reads it, in one or more lines, without a newline at the end: "goldfish  91.2
 * %\ntench  3.0 %". Also the text of a TEXT result. */
char *eng_result_dup_text (EngResult *result);
/* One JSON object; masks, pictures and sounds as sizes only. */
char *eng_result_to_json (EngResult *result);

G_END_DECLS
