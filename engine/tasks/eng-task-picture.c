/* Task: a picture out of a picture: super resolution of the brightness, with the colours of the
 * input enlarged beside it (Shi et al. 2016, section 4.1), or all three channels.
 *
 * Card: "output" (0), [1, 1 or 3, H, W] or channels last; "scale" and "offset" make it 0..255. */
#include "tasks/eng-tasks.h"

#include <math.h>

#include "eng-result-private.h"

typedef struct
{
  guint width, height, n_channels;
  gboolean channels_first;
} Layout;

static gboolean
read_layout (const RtShape *shape, Layout *layout)
{
  if (shape->n_dims != 4)
    return FALSE;
  layout->channels_first = shape->dims[3] != 1 && shape->dims[3] != 3;
  layout->n_channels = (guint)shape->dims[layout->channels_first ? 1 : 3];
  layout->height = (guint)shape->dims[layout->channels_first ? 2 : 1];
  layout->width = (guint)shape->dims[layout->channels_first ? 3 : 2];
  return (layout->n_channels == 1 || layout->n_channels == 3)
         && (guint64)layout->width * layout->height <= ENG_PICTURE_MAX_PIXELS && layout->width > 0
         && layout->height > 0;
}

/* The input's colour at shares (x, y), between its pixels. */
static void
sample (EngPicture *picture, float x, float y, float *rgb)
{
  int width = (int)eng_picture_get_width (picture), height = (int)eng_picture_get_height (picture);
  const guint8 *pixels = eng_picture_get_pixels (picture);
  float u = CLAMP (x * (float)width - 0.5f, 0, (float)width - 1);
  float v = CLAMP (y * (float)height - 0.5f, 0, (float)height - 1);
  int x0 = (int)u, y0 = (int)v, x1 = MIN (x0 + 1, width - 1), y1 = MIN (y0 + 1, height - 1);
  float fx = u - (float)x0, fy = v - (float)y0;

  for (int c = 0; c < 3; c++)
    {
      float top = (float)pixels[3 * (y0 * width + x0) + c] * (1 - fx)
                  + (float)pixels[3 * (y0 * width + x1) + c] * fx;
      float bottom = (float)pixels[3 * (y1 * width + x0) + c] * (1 - fx)
                     + (float)pixels[3 * (y1 * width + x1) + c] * fx;
      rgb[c] = top * (1 - fy) + bottom * fy;
    }
}

static guint8
to_byte (float v)
{
  return (guint8)lrintf (CLAMP (v, 0, 255));
}

static void
write_pixel (EngTaskRun *run, const Layout *layout, const float *values, float scale, float offset,
             guint x, guint y, guint8 *to)
{
  gsize n = (gsize)layout->width * layout->height, at = (gsize)y * layout->width + x;
  float rgb[3] = { 0 };

  if (layout->n_channels == 3)
    {
      for (guint c = 0; c < 3; c++)
        to[c] = to_byte (values[layout->channels_first ? c * n + at : 3 * at + c] * scale + offset);
      return;
    }
  float brightness = values[at] * scale + offset;
  float u = ((float)x + 0.5f) / (float)layout->width, v = ((float)y + 0.5f) / (float)layout->height;
  eng_task_map_point (run, &u, &v);
  if (run->front_data != NULL && run->has_frame)
    sample (run->front_data, u, v, rgb);
  /* Colour differences of ITU-R BT.601 are those between a channel and the brightness: they
   * stay. */
  float old = 0.299f * rgb[0] + 0.587f * rgb[1] + 0.114f * rgb[2];
  for (guint c = 0; c < 3; c++)
    to[c] = to_byte (rgb[c] - old + brightness);
}

static EngResult *
finish (EngTaskRun *run)
{
  JsonObject *options = eng_card_get_task_options (run->card);
  guint at = eng_card_count (options, "output", 0);
  float scale = (float)eng_card_number (options, "scale", 255);
  float offset = (float)eng_card_number (options, "offset", 0);
  Layout layout = { 0 };
  RtShape shape;
  gsize n;

  if (at >= run->n_outputs)
    return eng_task_tensor.finish (run);
  g_autofree float *values = eng_task_dup_output (run, at, &n, &shape);
  if (!read_layout (&shape, &layout))
    return eng_task_tensor.finish (run);
  g_autoptr (EngPicture) picture = eng_picture_new (layout.width, layout.height);
  guint8 *pixels = eng_picture_edit_pixels (picture);
  for (guint y = 0; y < layout.height; y++)
    for (guint x = 0; x < layout.width; x++)
      write_pixel (run, &layout, values, scale, offset, x, y,
                   pixels + 3 * ((gsize)y * layout.width + x));
  EngResult *result = eng_result_new (ENG_RESULT_PICTURE, run->input);
  eng_result_set_picture (result, picture);
  if (run->has_frame)
    {
      float x0 = 0, y0 = 0, x1 = 1, y1 = 1;

      eng_task_map_point (run, &x0, &y0);
      eng_task_map_point (run, &x1, &y1);
      eng_result_set_frame (result,
                            (const double[4]){ (double)x0, (double)y0, (double)x1, (double)y1 },
                            run->frame_width, run->frame_height);
    }
  return result;
}

const EngTask eng_task_picture = {
  .id = "picture",
  .title = "Picture to picture",
  .finish = finish,
};
