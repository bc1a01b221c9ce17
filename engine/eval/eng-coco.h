/* Boxes and landmarks in the form of COCO's annotation files (Lin and others 2014; the "instances"
 * and "person_keypoints" formats). */
#pragma once

#include "eval/eng-metric.h"

G_BEGIN_DECLS

typedef struct _EngCoco EngCoco;

/* What is known of one picture; lengths in shares of it. */
typedef struct
{
  guint width, height; /* pixels; 0: not said */
  GArray *boxes;       /* EngTruthBox */
  GArray *points;      /* EngPoint of the first annotation with keypoints; score 0: not labelled */
  double point_box[2]; /* width and height of that annotation's box; 0: none */
} EngCocoPicture;

/* @labels (nullable): names of the network's classes, NULL-terminated, that categories are searched
 * in, letter case ignored; with one category and no more than one class they are the same. NULL and
 * @error: no such file, or not of this form; the message says what is wrong with which entry. */
EngCoco *eng_coco_load (const char *path, const char *const *labels, GError **error);
void eng_coco_free (EngCoco *coco); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngCoco, eng_coco_free)

/* By the file's base name; NULL: the file knows nothing of it. */
const EngCocoPicture *eng_coco_find (EngCoco *coco, const char *name);
guint eng_coco_get_n_pictures (EngCoco *coco);
gboolean eng_coco_has_points (EngCoco *coco);
/* annotations whose category is none of the network's classes */
guint eng_coco_get_n_unknown (EngCoco *coco);

G_END_DECLS
