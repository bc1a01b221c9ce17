/* Task: what every pixel is. The mask covers the input picture.
 *
 * Card: "output" (0), as class numbers [1, H, W], as scores per class [1, H, W, C] or [1, C, H, W]
 * (channels first: "layout": "NCHW"), or, with "soft", as the share of foreground [1, H, W, 1];
 * "labels" name the classes. */
#include "tasks/eng-tasks.h"

#include <math.h>

#include "eng-json.h"
#include "eng-result-private.h"

typedef struct
{
  guint width, height, n_classes;
  gboolean channels_first, soft;
} Mask;

static gboolean
read_layout (const RtShape *shape, JsonObject *options, Mask *mask)
{
  mask->soft = eng_json_get_bool (options, "soft", FALSE);
  mask->channels_first = g_strcmp0 (eng_json_get_string (options, "layout"), "NCHW") == 0;
  mask->n_classes = 1;
  if (shape->n_dims == 3 || shape->n_dims == 2)
    {
      mask->height = (guint)shape->dims[shape->n_dims - 2];
      mask->width = (guint)shape->dims[shape->n_dims - 1];
      return TRUE;
    }
  if (shape->n_dims != 4)
    return FALSE;
  mask->n_classes = (guint)shape->dims[mask->channels_first ? 1 : 3];
  mask->height = (guint)shape->dims[mask->channels_first ? 2 : 1];
  mask->width = (guint)shape->dims[mask->channels_first ? 3 : 2];
  return TRUE;
}

static guint8
class_at (const Mask *mask, const float *values, gsize pixel)
{
  gsize n_pixels = (gsize)mask->width * mask->height;
  guint best = 0;

  if (mask->soft)
    return (guint8)lrintf (255 * CLAMP (values[pixel], 0, 1));
  if (mask->n_classes == 1)
    return (guint8)CLAMP (values[pixel], 0, 255);
  for (guint c = 1; c < mask->n_classes; c++)
    {
      gsize at = mask->channels_first ? c * n_pixels + pixel : pixel * mask->n_classes + c;
      gsize best_at
          = mask->channels_first ? best * n_pixels + pixel : pixel * mask->n_classes + best;
      if (values[at] > values[best_at])
        best = c;
    }
  return (guint8)MIN (best, 255);
}

/* The network's pixel for a pixel of the result, which covers all of the input picture: nearest. */
static void
place (EngTaskRun *run, const Mask *mask, guint8 *from, guint8 *to, guint width, guint height)
{
  float left = 0, top = 0, right = 1, bottom = 1;

  eng_task_map_point (run, &left, &top);
  eng_task_map_point (run, &right, &bottom);
  for (guint y = 0; y < height; y++)
    for (guint x = 0; x < width; x++)
      {
        float u = (((float)x + 0.5f) / (float)width - left) / (right - left);
        float v = (((float)y + 0.5f) / (float)height - top) / (bottom - top);
        int column = (int)floorf (u * (float)mask->width);
        int row = (int)floorf (v * (float)mask->height);
        if (column < 0 || row < 0 || column >= (int)mask->width || row >= (int)mask->height)
          continue;
        to[(gsize)y * width + x] = from[(gsize)row * mask->width + (guint)column];
      }
}

static EngResult *
finish (EngTaskRun *run)
{
  JsonObject *options = eng_card_get_task_options (run->card);
  guint at = eng_card_count (options, "output", 0);
  g_auto (GStrv) labels = eng_json_dup_strv (options, "labels");
  Mask mask = { 0 };
  RtShape shape;
  gsize n;

  if (at >= run->n_outputs)
    return eng_task_tensor.finish (run);
  g_autofree float *values = eng_task_dup_output (run, at, &n, &shape);
  if (!read_layout (&shape, options, &mask) || n != (gsize)mask.width * mask.height * mask.n_classes
      || n == 0)
    return eng_task_tensor.finish (run);

  gsize n_pixels = (gsize)mask.width * mask.height;
  guint8 *classes = g_malloc (n_pixels);
  for (gsize i = 0; i < n_pixels; i++)
    classes[i] = class_at (&mask, values, i);
  guint8 *placed = g_malloc0 (n_pixels);
  place (run, &mask, classes, placed, mask.width, mask.height);
  g_free (classes);

  EngResult *result = eng_result_new (ENG_RESULT_MASK, run->input);
  eng_result_take_mask (result, placed, mask.width, mask.height, mask.soft);
  const char *const *names
      = labels[0] != NULL ? (const char *const *)labels
                          : eng_card_get_labels (run->card, eng_card_count (options, "classes", 0));
  if (names != NULL)
    eng_result_set_class_names (result, names);
  return result;
}

const EngTask eng_task_segment = {
  .id = "segment",
  .title = "Segmentation",
  .finish = finish,
};
