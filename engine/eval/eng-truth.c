/* Reading what is known of samples. Called by the pass over inputs. */
#include "eval/eng-truth.h"

#include <string.h>

#include "eng-error.h"
#include "eng-json.h"
#include "eval/eng-coco.h"

struct _EngTruths
{
  EngTruthKind kind;
  char *folder; /* NULL: an archive */
  char *source;
  gboolean listens;
  GStrv classes; /* NULL: no names */
  guint n_classes;
  EngCoco *coco;
  char *coco_name;
};

/* ---- Which ---- */

static gboolean
ends_with (const char *name, const char *mark)
{
  g_autofree char *base = g_path_get_basename (name);
  char *dot = strrchr (base, '.');
  if (dot != NULL)
    *dot = '\0';
  return g_str_has_suffix (base, mark);
}

/* The first of the folder's files that @test takes; NULL: none. */
static char *
find_file (const char *folder, gboolean (*test) (const char *name))
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  g_autoptr (GPtrArray) found = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (test (name))
      g_ptr_array_add (found, g_strdup (name));
  for (guint i = 1; i < found->len; i++)
    if (strcmp (found->pdata[i], found->pdata[0]) < 0)
      {
        gpointer first = found->pdata[0];
        found->pdata[0] = found->pdata[i];
        found->pdata[i] = first;
      }
  return found->len > 0 ? g_strdup (found->pdata[0]) : NULL;
}

static gboolean
is_json (const char *name)
{
  return g_str_has_suffix (name, ".json") && !g_str_has_suffix (name, ".card.json");
}

static gboolean
is_mask (const char *name)
{
  return ends_with (name, "_mask");
}

static gboolean
is_clean (const char *name)
{
  return ends_with (name, "_clean");
}

static gboolean
open_coco (EngTruths *self, gboolean points, GError **error)
{
  self->coco_name = find_file (self->folder, is_json);
  if (self->coco_name == NULL)
    return TRUE;
  g_autofree char *path = g_build_filename (self->folder, self->coco_name, NULL);
  self->coco = eng_coco_load (path, (const char *const *)self->classes, error);
  if (self->coco == NULL)
    return FALSE;
  self->kind = points ? ENG_TRUTH_POINTS : ENG_TRUTH_BOXES;
  g_free (self->source);
  self->source = g_strdup_printf ("file %s", self->coco_name);
  return TRUE;
}

static void
open_beside (EngTruths *self, gboolean (*test) (const char *name), EngTruthKind kind,
             const char *source)
{
  g_autofree char *first = find_file (self->folder, test);
  if (first == NULL)
    return;
  self->kind = kind;
  g_free (self->source);
  self->source = g_strdup (source);
}

static gboolean
choose (EngTruths *self, const char *task, GError **error)
{
  if (strcmp (task, "classify") == 0 || strcmp (task, "activity") == 0)
    self->kind = ENG_TRUTH_LABELS;
  else if (self->folder == NULL)
    return TRUE; /* files beside samples are looked up: that wants a folder */
  else if (strcmp (task, "detect") == 0)
    return open_coco (self, FALSE, error);
  else if (strcmp (task, "points") == 0)
    return open_coco (self, TRUE, error);
  else if (strcmp (task, "segment") == 0)
    open_beside (self, is_mask, ENG_TRUTH_MASKS, "masks beside the pictures");
  else if (strcmp (task, "denoise") == 0)
    open_beside (self, is_clean, ENG_TRUTH_SOUNDS, "clean sounds beside the noisy ones");
  return TRUE;
}

EngTruths *
eng_truths_open (const char *path, EngDataSet *set, EngModel *model, const char *const *classes,
                 gboolean listens, GError **error)
{
  EngTruths *self = g_new0 (EngTruths, 1);
  EngCard *card = eng_model_get_card (model);
  g_auto (GStrv) labels = eng_json_dup_strv (eng_card_get_task_options (card), "labels");

  self->kind = ENG_TRUTH_NONE;
  self->folder = g_file_test (path, G_FILE_TEST_IS_DIR) ? g_strdup (path) : NULL;
  self->source = g_strdup (eng_data_set_get_label_source (set));
  self->listens = listens;
  self->classes = classes != NULL     ? g_strdupv ((GStrv)classes)
                  : labels[0] != NULL ? g_steal_pointer (&labels)
                                      : NULL;
  self->n_classes = self->classes != NULL ? g_strv_length (self->classes) : 0;
  if (choose (self, eng_card_get_task (card), error))
    return self;
  eng_truths_free (self);
  return NULL;
}

void
eng_truths_free (EngTruths *self)
{
  if (self == NULL)
    return;
  g_free (self->folder);
  g_free (self->source);
  g_strfreev (self->classes);
  g_free (self->coco_name);
  eng_coco_free (self->coco);
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

const char *const *
eng_truths_get_classes (EngTruths *self)
{
  return (const char *const *)self->classes;
}

char *
eng_truths_dup_note (EngTruths *self)
{
  guint n = self->coco != NULL ? eng_coco_get_n_unknown (self->coco) : 0;
  return n > 0 && self->kind == ENG_TRUTH_BOXES ? g_strdup_printf (
             "%u annotations of %s are of no class of this network: they are left out", n,
             self->coco_name)
                                                : NULL;
}

gboolean
eng_truths_is_truth (EngTruths *self, const char *name)
{
  g_autofree char *base = g_path_get_basename (name);
  return (self->kind == ENG_TRUTH_MASKS && is_mask (name))
         || (self->kind == ENG_TRUTH_SOUNDS && is_clean (name))
         || (self->coco_name != NULL && strcmp (base, self->coco_name) == 0);
}

/* ---- Of one sample ---- */

void
eng_truth_free (EngTruth *truth)
{
  g_clear_pointer (&truth->boxes, g_array_unref);
  g_clear_pointer (&truth->points, g_array_unref);
  g_free (truth->mask);
  g_clear_pointer (&truth->sound, eng_sound_unref);
  g_free (truth);
}

static void
find_label (EngTruths *self, const EngSample *sample, EngResult *result, EngTruth *truth)
{
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
}

static void
find_annotations (EngTruths *self, const EngSample *sample, EngTruth *truth)
{
  const EngCocoPicture *picture = eng_coco_find (self->coco, sample->name);

  if (picture == NULL)
    return;
  truth->picture_aspect = (double)picture->width / picture->height;
  truth->is_known = self->kind == ENG_TRUTH_BOXES || picture->points->len > 0;
  truth->boxes = g_array_ref (picture->boxes);
  truth->points = g_array_ref (picture->points);
  memcpy (truth->point_scale, picture->point_box, sizeof truth->point_scale);
}

/* "a/b.jpg" -> "FOLDER/a/b_mask.bmp", the first of the endings that is there; NULL: none. */
static char *
find_beside (EngTruths *self, const char *name, const char *mark, const char *const *endings)
{
  g_autofree char *path = g_build_filename (self->folder, name, NULL);
  char *dot = strrchr (path, '.');
  if (dot != NULL && strchr (dot, G_DIR_SEPARATOR) == NULL)
    *dot = '\0';
  for (guint i = 0; endings[i] != NULL; i++)
    {
      g_autofree char *file = g_strconcat (path, mark, endings[i], NULL);
      if (g_file_test (file, G_FILE_TEST_IS_REGULAR))
        return g_steal_pointer (&file);
    }
  return NULL;
}

static gboolean
find_mask (EngTruths *self, const EngSample *sample, EngResult *result, EngTruth *truth,
           GError **error)
{
  static const char *const endings[] = { ".png", ".bmp", ".gif", NULL };
  g_autofree char *path = find_beside (self, sample->name, "_mask", endings);
  guint width, height;
  gboolean soft = FALSE;

  if (path == NULL)
    return TRUE;
  g_autoptr (EngPicture) picture = eng_picture_load (path, NULL, error);
  if (picture == NULL)
    return FALSE;
  if (eng_result_get_kind (result) == ENG_RESULT_MASK)
    eng_result_get_mask (result, &width, &height, &soft);
  truth->mask_width = eng_picture_get_width (picture);
  truth->mask_height = eng_picture_get_height (picture);
  gsize n = (gsize)truth->mask_width * truth->mask_height;
  const guint8 *pixels = eng_picture_get_pixels (picture);
  truth->mask = g_malloc (n);
  for (gsize i = 0; i < n; i++)
    {
      if (pixels[3 * i] != pixels[3 * i + 1] || pixels[3 * i] != pixels[3 * i + 2])
        {
          g_set_error (
              error, ENG_ERROR, ENG_ERROR_FORMAT,
              "%s is coloured: a mask's grey levels are class numbers (0 the first, 255 not "
              "labelled)",
              path);
          return FALSE;
        }
      truth->mask[i] = soft ? pixels[3 * i] >= 128 : pixels[3 * i];
    }
  truth->is_known = TRUE;
  return TRUE;
}

static gboolean
find_sound (EngTruths *self, const EngSample *sample, EngTruth *truth, GError **error)
{
  static const char *const endings[] = { ".wav", ".flac", ".ogg", NULL };
  g_autofree char *path = find_beside (self, sample->name, "_clean", endings);

  if (path == NULL)
    return TRUE;
  truth->sound = eng_sound_load (path, error);
  truth->is_known = truth->sound != NULL;
  return truth->sound != NULL;
}

EngTruth *
eng_truths_find (EngTruths *self, const EngSample *sample, EngResult *result, GError **error)
{
  g_autoptr (EngTruth) truth = g_new0 (EngTruth, 1);

  truth->label = -1;
  if (self->kind == ENG_TRUTH_LABELS)
    find_label (self, sample, result, truth);
  else if (self->coco != NULL)
    find_annotations (self, sample, truth);
  else if (self->kind == ENG_TRUTH_MASKS && !find_mask (self, sample, result, truth, error))
    return NULL;
  else if (self->kind == ENG_TRUTH_SOUNDS && !find_sound (self, sample, truth, error))
    return NULL;
  return g_steal_pointer (&truth);
}

void
eng_truth_fill (const EngTruth *truth, EngScored *scored)
{
  scored->is_known = truth->is_known;
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
