/* What a set knows about its samples, for networks: classes (eng-data-set.h), or files beside the
 * samples:
 *
 *   - boxes and points: a JSON file in the form of COCO ("images": file_name, width, height;
 *     "annotations": image_id, category_id, bbox [x, y, width, height] in pixels, iscrowd,
 *     keypoints [x, y, v, ...]; "categories": id, name). Taken for detectors (boxes) and landmark
 *     networks (keypoints; v 0: not labelled)
 *   - masks: NAME_mask.png or .bmp beside NAME.*: grey levels are class numbers, 255 is not
 *     labelled. A share of foreground: 128 and more is foreground
 *   - clean sounds: NAME_clean.wav beside NAME.wav, of the same rate and length */
#pragma once

#include "data/eng-data-set.h"
#include "eval/eng-metric.h"

G_BEGIN_DECLS

typedef struct _EngTruths EngTruths;

typedef struct
{
  gboolean is_known;      /* anything at all */
  int label;              /* class, -1: none */
  const char *class_name; /* borrowed from the truths; NULL: unknown */
  GArray *boxes;          /* EngTruthBox; NULL: none */
  GArray *points;         /* EngPoint; NULL: none */
  double point_scale[2], picture_aspect;
  guint8 *mask;
  guint mask_width, mask_height;
  EngSound *sound;
} EngTruth;

/* Which truth the set has for @model's task; what is beside the samples is read now. */
EngTruths *eng_truths_open (const char *path, EngDataSet *set, EngModel *model,
                            const char *const *classes, gboolean listens, GError **error);
void eng_truths_free (EngTruths *truths); /* accepts NULL */

EngTruthKind eng_truths_get_kind (EngTruths *truths);
/* "folders", "file labels.csv", "masks beside the samples" */
const char *eng_truths_get_source (EngTruths *truths);
/* Names of the network's classes, NULL-terminated, borrowed; NULL: none are known. */
const char *const *eng_truths_get_classes (EngTruths *truths);
/* What of the set says nothing of this network; NULL: nothing. */
char *eng_truths_dup_note (EngTruths *truths);
/* Whether the file is not a sample but what is known of one. */
gboolean eng_truths_is_truth (EngTruths *truths, const char *name);

/* Of one sample; @result: what the network said (for how it names classes). NULL and @error when
 * its file cannot be read. */
EngTruth *eng_truths_find (EngTruths *truths, const EngSample *sample, EngResult *result,
                           GError **error);
void eng_truth_free (EngTruth *truth);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngTruth, eng_truth_free)
/* Put what is known into @scored, which borrows it. */
void eng_truth_fill (const EngTruth *truth, EngScored *scored);

G_END_DECLS
