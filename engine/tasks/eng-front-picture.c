/* Front end: a picture, fitted into the network's input by one node.
 *
 * Card: "fit" crop, letterbox or stretch (stretch); "channels" rgb, bgr or grey (rgb, grey for one
 * channel); "filter" area, triangle or bilinear (bilinear); "zoom" for crop; "scale" and "offset",
 * one number or one per channel, make a channel of 0..255 the real number that the network expects;
 * "pad" is 0..255, around a letterbox; "input" the network's input (0); "layout" NHWC or NCHW where
 * the shape does not tell; "region" the part of a picture that is fed (eng-region.h). */
#include "tasks/eng-tasks.h"

#include <math.h>
#include <string.h>

#include "eng-error.h"
#include "eng-json.h"
#include "tasks/eng-region.h"

#define MAX_SIDE 16384

typedef struct
{
  gboolean channels_first;
  gboolean rows; /* [1, H, W]: one channel, without a dimension of its own */
  guint input;
} Layout;

/* The number that @word of the card is, in the order of @words. */
static gboolean
read_word (JsonObject *options, const char *name, const char *const *words, guint32 *value,
           GError **error)
{
  const char *word = eng_json_get_string (options, name);
  if (word == NULL)
    return TRUE;
  for (guint i = 0; words[i] != NULL; i++)
    if (strcmp (words[i], word) == 0)
      {
        *value = i;
        return TRUE;
      }
  g_autofree char *known = g_strjoinv (", ", (GStrv)words);
  g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
               "The network card: \"%s\" is \"%s\", not one of %s", name, word, known);
  return FALSE;
}

static gboolean
read_layout (const RtValue *value, JsonObject *options, Layout *layout, RtPictureAttrs *attrs,
             GError **error)
{
  const int64_t *dims = value->shape.dims;
  gboolean last = value->shape.n_dims == 4 && (dims[3] == 1 || dims[3] == 3);
  gboolean first = value->shape.n_dims == 4 && (dims[1] == 1 || dims[1] == 3);
  const char *named = eng_json_get_string (options, "layout");

  layout->rows = value->shape.n_dims == 3 && dims[0] == 1;
  if (layout->rows)
    {
      attrs->height = (uint32_t)CLAMP (dims[1], 1, MAX_SIDE);
      attrs->width = (uint32_t)CLAMP (dims[2], 1, MAX_SIDE);
      attrs->channels = RT_PICTURE_GREY;
      return TRUE;
    }
  if (!(first || last) || dims[0] != 1)
    {
      char text[128];
      g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                   "The network card says that input %s is a picture; its shape %s is not that of "
                   "one of 1 or 3 channels",
                   value->name, rt_shape_text (&value->shape, text, sizeof text));
      return FALSE;
    }
  layout->channels_first = named != NULL ? strcmp (named, "NCHW") == 0 : !last;
  attrs->height = (uint32_t)dims[layout->channels_first ? 2 : 1];
  attrs->width = (uint32_t)dims[layout->channels_first ? 3 : 2];
  if (dims[layout->channels_first ? 1 : 3] == 1)
    attrs->channels = RT_PICTURE_GREY;
  if (attrs->height < 1 || attrs->height > MAX_SIDE || attrs->width < 1 || attrs->width > MAX_SIDE)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED, "Input %s is too large for a picture",
                   value->name);
      return FALSE;
    }
  return TRUE;
}

/* Scale and offset in real numbers, folded with the quantization of the input. */
static gboolean
read_numbers (const RtValue *value, JsonObject *options, RtPictureAttrs *attrs, GError **error)
{
  double scale[3] = { 1, 1, 1 }, offset[3] = { 0, 0, 0 }, pad[3] = { 0, 0, 0 };
  static const char *const names[] = { "scale", "offset", "pad" };
  double *const numbers[] = { scale, offset, pad };

  for (guint i = 0; i < 3; i++)
    if (json_object_has_member (options, names[i])
        && !eng_card_numbers (options, names[i], numbers[i], 3))
      {
        g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                     "The network card: \"%s\" must be one number or three", names[i]);
        return FALSE;
      }
  double unit = 1, zero = 0;
  if (value->quant != NULL && value->quant->n == 1)
    {
      unit = (double)value->quant->scales[0];
      zero = value->quant->zero_points[0];
    }
  for (guint c = 0; c < 3; c++)
    {
      attrs->scale[c] = (float)(scale[c] / unit);
      attrs->offset[c] = (float)(offset[c] / unit + zero);
      attrs->pad[c] = (float)pad[c];
    }
  attrs->zoom = (float)eng_card_number (options, "zoom", 0);
  return TRUE;
}

static gboolean
read_attrs (EngSurround *surround, RtPictureAttrs *attrs, Layout *layout, GError **error)
{
  static const char *const fits[] = { "crop", "letterbox", "stretch", NULL };
  static const char *const channels[] = { "rgb", "bgr", "grey", NULL };
  static const char *const filters[] = { "area", "triangle", "bilinear", NULL };
  JsonObject *options = eng_card_get_front_options (surround->card);

  *layout = (Layout){ .input = (guint)eng_json_get_int (options, "input", 0) };
  *attrs = (RtPictureAttrs){ .fit = RT_PICTURE_STRETCH, .filter = RT_PICTURE_BILINEAR };
  if (layout->input >= surround->imported->n_inputs)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                   "The network card names input %u; the network has %u", layout->input,
                   surround->imported->n_inputs);
      return FALSE;
    }
  const RtValue *value = eng_surround_input (surround, layout->input);
  attrs->type = value->type == RT_TYPE_U8 || value->type == RT_TYPE_I8 ? value->type : RT_TYPE_F32;
  return read_word (options, "channels", channels, &attrs->channels, error)
         && read_word (options, "fit", fits, &attrs->fit, error)
         && read_word (options, "filter", filters, &attrs->filter, error)
         && read_layout (value, options, layout, attrs, error)
         && read_numbers (value, options, attrs, error);
}

static gboolean
add_nodes (EngSurround *surround, GError **error)
{
  RtPictureAttrs attrs;
  Layout layout;
  RtShape shape = { 3, { RT_DIM_HEIGHT, RT_DIM_WIDTH, 3 } };

  if (!read_attrs (surround, &attrs, &layout, error))
    return FALSE;
  RtValueId picture = eng_surround_add_input (surround, "lathe.picture", RT_TYPE_U8, &shape, error);
  if (picture == RT_NONE)
    return FALSE;
  RtValueId value
      = eng_surround_add (surround, FALSE, "lathe.fit", "picture", &picture, 1, &attrs, error);
  if (value != RT_NONE && layout.channels_first)
    {
      RtTransposeAttrs transpose = { { 0, 3, 1, 2 } };
      value = eng_surround_add (surround, FALSE, "lathe.channels_first", "transpose", &value, 1,
                                &transpose, error);
    }
  if (value != RT_NONE && layout.rows)
    {
      RtShapeAttrs reshape = { { 3, { 1, attrs.height, attrs.width } } };
      value
          = eng_surround_add (surround, FALSE, "lathe.rows", "reshape", &value, 1, &reshape, error);
    }
  return value != RT_NONE && eng_surround_replace_input (surround, layout.input, value, error);
}

static EngPicture *
random_picture (guint64 seed)
{
  EngPicture *picture = eng_picture_new (640, 480);
  eng_task_fill_random (RT_TYPE_U8, eng_picture_edit_pixels (picture), 640 * 480 * 3, seed);
  return picture;
}

/* The node's attributes in the executed graph: they say where its frame lies. */
static const RtPictureAttrs *
find_attrs (EngTaskRun *run)
{
  for (RtNodeId i = 0; i < rt_graph_n_nodes (run->graph); i++)
    {
      const RtNode *node = rt_graph_node (run->graph, i);
      if (strcmp (node->op->name, "picture") == 0)
        return node->attrs;
    }
  return NULL;
}

/* Where the network's picture lies in the input's. */
static void
set_region (EngTaskRun *run, const EngRegionFrame *frame)
{
  float w = (float)run->picture_width, h = (float)run->picture_height;
  float c = cosf (frame->angle) * frame->side, s = sinf (frame->angle) * frame->side;
  float *r = run->region;

  r[0] = c / w;
  r[1] = -s / w;
  r[2] = (frame->x - (c - s) / 2) / w;
  r[3] = s / h;
  r[4] = c / h;
  r[5] = (frame->y - (c + s) / 2) / h;
  run->has_region = TRUE;
}

/* The part of @picture that a detector beside the network finds, of the network's own size; the
 * whole picture when the card asks for no part or there is none to be found. */
static gboolean
cut_region (EngTaskRun *run, EngInput *input, EngPicture **picture, const RtPictureAttrs *attrs,
            GError **error)
{
  EngRegionFrame frame;
  gboolean found = FALSE;
  g_autoptr (GError) local = NULL;

  if (!run->region_known)
    run->region_finder = eng_region_new (run->model, &run->note, &local);
  run->region_known = local == NULL;
  if (local != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  if (run->region_finder == NULL || attrs == NULL)
    return TRUE;
  if (!eng_region_find (run->region_finder, input, &frame, &found, error))
    return FALSE;
  if (!found)
    return TRUE;
  EngPicture *cut = eng_region_cut (*picture, &frame, attrs->width, attrs->height);
  eng_picture_unref (*picture);
  *picture = cut;
  set_region (run, &frame);
  return TRUE;
}

static gboolean
begin (EngTaskRun *run, EngInput *input, GError **error)
{
  EngPicture *picture = eng_input_get_kind (input) == ENG_INPUT_RANDOM
                            ? random_picture (eng_input_get_seed (input))
                            : eng_picture_ref (eng_input_get_picture (input));
  const RtPictureAttrs *attrs = find_attrs (run);

  run->picture_width = eng_picture_get_width (picture);
  run->picture_height = eng_picture_get_height (picture);
  gboolean ok = eng_input_get_kind (input) == ENG_INPUT_RANDOM
                || cut_region (run, input, &picture, attrs, error);
  eng_task_set_front_data (run, picture, (GDestroyNotify)eng_picture_unref);
  if (!ok)
    return FALSE;
  guint width = eng_picture_get_width (picture), height = eng_picture_get_height (picture);
  run->symbols[-RT_DIM_HEIGHT - 1] = height;
  run->symbols[-RT_DIM_WIDTH - 1] = width;
  if (run->picture_width > MAX_SIDE || run->picture_height > MAX_SIDE)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE,
                   "%s is %u x %u pixels; a side may have %d at most", eng_input_get_name (input),
                   run->picture_width, run->picture_height, MAX_SIDE);
      return FALSE;
    }
  if (attrs != NULL)
    {
      rt_picture_frame (attrs, height, width, &run->frame);
      run->has_frame = TRUE;
      run->frame_width = attrs->width;
      run->frame_height = attrs->height;
    }
  return TRUE;
}

static void
feed (EngTaskRun *run, guint step)
{
  rt_exec_set_input (run->exec, run->inputs[0], eng_picture_get_pixels (run->front_data));
}

const EngFront eng_front_picture = {
  .id = "picture",
  .title = "Pictures",
  .inputs = 1 << ENG_INPUT_PICTURE,
  .surround = add_nodes,
  .begin = begin,
  .feed = feed,
};
