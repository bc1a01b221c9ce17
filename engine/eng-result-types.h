/* The result's insides, for eng-result.c and eng-result-text.c. */
#pragma once

#include "eng-result-private.h"

G_BEGIN_DECLS

typedef struct
{
  char *name;
  guint n;
  double *values;
} EngSeries;

struct _EngResult
{
  gatomicrefcount ref_count;
  EngResultKind kind;
  EngInput *input;
  GArray *scores, *boxes, *points, *series, *outputs;
  GByteArray *edges;
  guint8 *mask;
  guint mask_width, mask_height;
  gboolean soft;
  GStrv class_names;
  EngPicture *picture;
  double frame[4];
  guint frame_width, frame_height;
  EngSound *sound;
  double start_s, step_s, value, threshold;
  char *text;
};

G_END_DECLS
