/* Finding and cutting out the region that a landmark network sees. Called by the front end of
 * pictures. The rules are those of MediaPipe's graphs: a rectangle and its rotation from a
 * detection, shifted along its own axes, squared by its longer side. */
#include "tasks/eng-region.h"

#include <math.h>
#include <string.h>

#include "eng-json.h"
#include "tasks/eng-companion.h"

struct _EngRegion
{
  EngTaskRun *run;
  JsonObject *options; /* the card's; borrowed from the model that the run's owner holds */
};

void
eng_region_free (gpointer data)
{
  EngRegion *self = data;
  if (self == NULL)
    return;
  eng_task_run_free (self->run);
  g_free (self);
}

/* ---- The detector ---- */

EngRegion *
eng_region_new (EngModel *model, char **note, GError **error)
{
  JsonObject *front = eng_card_get_front_options (eng_model_get_card (model));
  JsonObject *options = eng_json_get_object (front, "region");
  if (options == NULL)
    return NULL;

  g_auto (GStrv) names = eng_json_dup_strv (options, "detectors");
  g_autoptr (GError) local = NULL;
  EngTaskRun *run
      = eng_companion_new (model, (const char *const *)names, ENG_INPUT_PICTURE, &local);
  if (local != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return NULL;
    }
  if (run == NULL)
    {
      *note
          = g_strdup_printf ("%s is meant to see a region that a detector finds; %s is not beside "
                             "it, so it is given whole pictures",
                             eng_model_get_name (model),
                             names[0] != NULL ? names[0] : "a detector");
      return NULL;
    }
  EngRegion *self = g_new0 (EngRegion, 1);
  self->run = run;
  self->options = options;
  return self;
}

/* ---- Geometry ---- */

/* Point @index in pixels. */
static gboolean
box_point (const EngBox *box, double index, guint width, guint height, float *x, float *y)
{
  if (!(index >= 0 && index < box->n_points))
    return FALSE;
  *x = box->points[(guint)index].x * (float)width;
  *y = box->points[(guint)index].y * (float)height;
  return TRUE;
}

/* How far the picture's content is turned: the angle by which the line between the two points
 * misses the one that it shall have. */
static gboolean
find_angle (JsonObject *options, const EngBox *box, guint width, guint height, float *angle)
{
  double ends[2];
  float x0, y0, x1, y1;

  *angle = 0;
  if (!json_object_has_member (options, "up"))
    return TRUE;
  if (!eng_card_numbers (options, "up", ends, 2)
      || !box_point (box, ends[0], width, height, &x0, &y0)
      || !box_point (box, ends[1], width, height, &x1, &y1))
    return FALSE;
  double wanted = eng_card_number (options, "degrees", 0) * G_PI / 180;
  double turned = wanted - atan2 (-((double)y1 - (double)y0), (double)x1 - (double)x0);
  *angle = (float)(turned - 2 * G_PI * floor ((turned + G_PI) / (2 * G_PI)));
  return TRUE;
}

gboolean
eng_region_of_box (JsonObject *options, const EngBox *box, guint width, guint height,
                   EngRegionFrame *frame)
{
  float w = (box->x1 - box->x0) * (float)width, h = (box->y1 - box->y0) * (float)height;
  double centre = eng_card_number (options, "centre", NAN); /* NAN: "box" */
  float shift = (float)eng_card_number (options, "shift", 0), x, y;

  frame->x = (box->x0 + box->x1) / 2 * (float)width;
  frame->y = (box->y0 + box->y1) / 2 * (float)height;
  if (!find_angle (options, box, width, height, &frame->angle))
    return FALSE;
  if (!isnan (centre))
    {
      if (!box_point (box, centre, width, height, &frame->x, &frame->y)
          || !box_point (box, eng_card_number (options, "reach", -1), width, height, &x, &y))
        return FALSE;
      w = h = 2 * hypotf (x - frame->x, y - frame->y);
    }
  frame->x -= h * shift * sinf (frame->angle);
  frame->y += h * shift * cosf (frame->angle);
  frame->side = MAX (w, h) * (float)eng_card_number (options, "scale", 1);
  return isfinite (frame->side) && frame->side >= 1;
}

gboolean
eng_region_find (EngRegion *self, EngInput *input, EngRegionFrame *frame, gboolean *found,
                 GError **error)
{
  EngPicture *picture = eng_input_get_picture (input);
  g_autoptr (EngResult) result = eng_task_run_all (self->run, input, error);

  if (result == NULL)
    return FALSE;
  *found = eng_result_get_kind (result) == ENG_RESULT_BOXES && eng_result_get_n_boxes (result) > 0
           && eng_region_of_box (self->options, eng_result_get_box (result, 0),
                                 eng_picture_get_width (picture), eng_picture_get_height (picture),
                                 frame);
  return TRUE;
}

/* ---- Cutting ---- */

static float
pixel_at (const guint8 *pixels, int width, int height, int x, int y, int channel)
{
  if (x < 0 || y < 0 || x >= width || y >= height)
    return 0;
  return pixels[3 * ((gsize)y * (gsize)width + (gsize)x) + (gsize)channel];
}

/* Between the four pixels around (x, y), whose centres are at halves. */
static void
sample (EngPicture *picture, float x, float y, guint8 *to)
{
  int width = (int)eng_picture_get_width (picture), height = (int)eng_picture_get_height (picture);
  const guint8 *pixels = eng_picture_get_pixels (picture);

  if (!(x > -1 && y > -1 && x < (float)width + 1 && y < (float)height + 1))
    return;
  float left = floorf (x - 0.5f), top = floorf (y - 0.5f);
  float fx = x - 0.5f - left, fy = y - 0.5f - top;
  int x0 = (int)left, y0 = (int)top;
  for (int c = 0; c < 3; c++)
    {
      float upper = pixel_at (pixels, width, height, x0, y0, c) * (1 - fx)
                    + pixel_at (pixels, width, height, x0 + 1, y0, c) * fx;
      float lower = pixel_at (pixels, width, height, x0, y0 + 1, c) * (1 - fx)
                    + pixel_at (pixels, width, height, x0 + 1, y0 + 1, c) * fx;
      to[c] = (guint8)lrintf (upper * (1 - fy) + lower * fy);
    }
}

EngPicture *
eng_region_cut (EngPicture *picture, const EngRegionFrame *frame, guint width, guint height)
{
  EngPicture *cut = eng_picture_new (width, height);
  guint8 *pixels = eng_picture_edit_pixels (cut);
  float c = cosf (frame->angle) * frame->side, s = sinf (frame->angle) * frame->side;

  memset (pixels, 0, 3 * (gsize)width * height);
  for (guint y = 0; y < height; y++)
    for (guint x = 0; x < width; x++)
      {
        float u = ((float)x + 0.5f) / (float)width - 0.5f;
        float v = ((float)y + 0.5f) / (float)height - 0.5f;
        sample (picture, frame->x + u * c - v * s, frame->y + u * s + v * c,
                pixels + 3 * ((gsize)y * width + x));
      }
  return cut;
}
