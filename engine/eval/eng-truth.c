/* Reading what is known of samples. Called by the pass over inputs. */
#include "eval/eng-truth.h"

#include <string.h>

#include "eng-error.h"

struct _EngTruths
{
  EngTruthKind kind;
  char *source;
  gboolean listens;
  const char *const *classes; /* borrowed; NULL: no names */
  guint n_classes;
};

static EngTruthKind
kind_of_task (const char *task)
{
  if (strcmp (task, "classify") == 0 || strcmp (task, "activity") == 0)
    return ENG_TRUTH_LABELS;
  return ENG_TRUTH_NONE;
}

EngTruths *
eng_truths_open (const char *path, EngDataSet *set, EngModel *model, const char *const *classes,
                 gboolean listens, GError **error)
{
  EngTruths *self = g_new0 (EngTruths, 1);

  self->kind = kind_of_task (eng_card_get_task (eng_model_get_card (model)));
  self->source = g_strdup (eng_data_set_get_label_source (set));
  self->listens = listens;
  self->classes = classes;
  self->n_classes = classes != NULL ? g_strv_length ((GStrv)classes) : 0;
  return self;
}

void
eng_truths_free (EngTruths *self)
{
  if (self == NULL)
    return;
  g_free (self->source);
  g_free (self);
}

EngTruthKind
eng_truths_get_kind (EngTruths *self)
{
  return self->kind;
}

const char *
eng_truths_get_source (EngTruths *self)
{
  return self->source;
}

gboolean
eng_truths_is_truth (EngTruths *self, const char *name)
{
  return FALSE;
}

void
eng_truth_free (EngTruth *truth)
{
  g_clear_pointer (&truth->boxes, g_array_unref);
  g_clear_pointer (&truth->points, g_array_unref);
  g_free (truth->mask);
  g_clear_pointer (&truth->sound, eng_sound_unref);
  g_free (truth);
}

static EngTruth *
find_label (EngTruths *self, const EngSample *sample, EngResult *result)
{
  EngTruth *truth = g_new0 (EngTruth, 1);

  truth->label = sample->index;
  if (self->listens)
    {
      truth->label = sample->label == NULL ? -1 : sample->index == 0;
      truth->class_name = truth->label == 1 ? self->classes[0] : "anything else";
    }
  else if (truth->label >= 0 && (guint)truth->label < self->n_classes)
    truth->class_name = self->classes[truth->label];
  if (!self->listens && eng_result_get_kind (result) == ENG_RESULT_LABELS
      && truth->label >= (int)eng_result_get_n_scores (result))
    truth->label = -1;
  truth->is_known = truth->label >= 0;
  return truth;
}

EngTruth *
eng_truths_find (EngTruths *self, const EngSample *sample, EngResult *result, GError **error)
{
  if (self->kind == ENG_TRUTH_LABELS)
    return find_label (self, sample, result);
  EngTruth *truth = g_new0 (EngTruth, 1);
  truth->label = -1;
  return truth;
}

void
eng_truth_fill (const EngTruth *truth, EngScored *scored)
{
  scored->label = truth->label;
  scored->boxes = truth->boxes != NULL ? (const EngTruthBox *)truth->boxes->data : NULL;
  scored->n_boxes = truth->boxes != NULL ? truth->boxes->len : 0;
  scored->points = truth->points != NULL ? (const EngPoint *)truth->points->data : NULL;
  scored->n_points = truth->points != NULL ? truth->points->len : 0;
  memcpy (scored->point_scale, truth->point_scale, sizeof scored->point_scale);
  scored->picture_aspect = truth->picture_aspect;
  scored->mask = truth->mask;
  scored->mask_width = truth->mask_width;
  scored->mask_height = truth->mask_height;
  scored->sound = truth->sound;
}
