/* Words and names for the inputs of networks. Called by the input view and, for what fits, by the
 * workers that read inputs; keeps nothing. */
#include "app-input-text.h"

#include "app-config.h"
#include "eng-error.h"
#include "eng-json.h"
#include "tasks/eng-task.h"

#include <glib/gi18n.h>

/* Endings in lower case; what a file is, its content says (eng-input.h). */
static const char *const picture_suffixes[]
    = { "png", "jpg", "jpeg", "bmp", "gif", "tif", "tiff", "webp", "ppm", "pgm", "pnm", NULL };
static const char *const sound_suffixes[]
    = { "wav", "flac", "ogg", "oga", "opus", "aif", "aiff", "aifc", "au", "caf", "mp3", NULL };
static const char *const tensor_suffixes[] = { "npy", "bin", "raw", "dat", NULL };

static gboolean
has_suffix (const char *name, const char *const *suffixes)
{
  const char *dot = strrchr (name, '.');
  g_autofree char *ending = dot != NULL ? g_ascii_strdown (dot + 1, -1) : NULL;

  return ending != NULL && g_strv_contains (suffixes, ending);
}

gboolean
app_input_is_file_name (const char *name)
{
  g_return_val_if_fail (name != NULL, FALSE);
  return has_suffix (name, picture_suffixes) || has_suffix (name, sound_suffixes)
         || has_suffix (name, tensor_suffixes);
}

gboolean
app_input_is_model_name (const char *name)
{
  guint n;
  const EngFormat *const *formats = eng_format_list (&n);
  static const char *const language[] = { "gguf", "safetensors", NULL };

  g_return_val_if_fail (name != NULL, FALSE);

  for (guint i = 0; i < n; i++)
    if (has_suffix (name, formats[i]->suffixes))
      return TRUE;
  return has_suffix (name, language);
}

/* ---- What a network takes ---- */

static const EngFront *
find_front (EngModel *model)
{
  EngCard *card = eng_model_get_card (model);

  return card != NULL ? eng_front_find (eng_card_get_front (card)) : NULL;
}

guint
app_input_kinds (EngModel *model)
{
  const EngFront *front = find_front (model);
  const guint tensors = 1 << ENG_INPUT_ARRAY | 1 << ENG_INPUT_BYTES;

  /* Tensors go past every front end. */
  return front != NULL ? front->inputs | tensors : tensors;
}

static const RtValue *
first_input (EngModel *model, guint index)
{
  const EngImported *imported = eng_model_get_imported (model);

  if (imported == NULL || index >= imported->n_inputs)
    return NULL;
  return rt_graph_value (imported->graph, imported->inputs[index].value);
}

/* Height and width where the card's picture goes. */
static gboolean
picture_size (EngModel *model, gint64 *width, gint64 *height)
{
  JsonObject *options = eng_card_get_front_options (eng_model_get_card (model));
  const RtValue *value = first_input (model, (guint)eng_json_get_int (options, "input", 0));
  const char *layout = eng_json_get_string (options, "layout");
  gboolean first;

  if (value == NULL || value->shape.n_dims != 4)
    return FALSE;
  first = layout != NULL ? g_str_equal (layout, "NCHW")
                         : value->shape.dims[3] != 1 && value->shape.dims[3] != 3;
  *height = value->shape.dims[first ? 2 : 1];
  *width = value->shape.dims[first ? 3 : 2];
  return TRUE;
}

static char *
dup_takes_picture (EngModel *model)
{
  const char *fit
      = eng_json_get_string (eng_card_get_front_options (eng_model_get_card (model)), "fit");
  gint64 width, height;
  int w, h;

  if (!picture_size (model, &width, &height))
    return g_strdup (_ ("Takes pictures."));
  w = (int)width;
  h = (int)height;
  if (g_strcmp0 (fit, "crop") == 0)
    return g_strdup_printf (_ ("Takes pictures; the middle, resized to %d × %d."), w, h);
  if (g_strcmp0 (fit, "letterbox") == 0)
    return g_strdup_printf (_ ("Takes pictures; fitted into %d × %d."), w, h);
  return g_strdup_printf (_ ("Takes pictures; resized to %d × %d."), w, h);
}

static char *
dup_takes_sound (EngModel *model)
{
  JsonObject *options = eng_card_get_front_options (eng_model_get_card (model));
  double rate = eng_card_number (options, "rate", 0);

  if (!(rate > 0))
    return g_strdup (_ ("Takes sounds."));
  /* Translators: a sample rate in kHz, "16 kHz" */
  return g_strdup_printf (_ ("Takes sounds; resampled to %g kHz."), rate / 1000);
}

static char *
dup_takes_tensor (EngModel *model)
{
  const RtValue *value = first_input (model, 0);
  char shape[128];

  if (value == NULL)
    return g_strdup (_ ("Takes no input."));
  rt_shape_text (&value->shape, shape, sizeof shape);
  return g_strdup_printf (_ ("Takes a tensor, %s %s: a .npy file, or its bytes as .bin."),
                          rt_type_name (value->type), shape);
}

char *
app_input_dup_takes (EngModel *model)
{
  const EngFront *front;

  g_return_val_if_fail (ENG_IS_MODEL (model), NULL);

  front = find_front (model);
  if (front != NULL && (front->inputs & 1 << ENG_INPUT_PICTURE) != 0)
    return dup_takes_picture (model);
  if (front != NULL && (front->inputs & 1 << ENG_INPUT_SOUND) != 0)
    return dup_takes_sound (model);
  return dup_takes_tensor (model);
}

gboolean
app_input_fits (EngModel *model, EngInput *input, GError **error)
{
  EngInputKind kind;

  g_return_val_if_fail (ENG_IS_MODEL (model) && input != NULL, FALSE);

  kind = eng_input_get_kind (input);
  if (kind == ENG_INPUT_RANDOM || (app_input_kinds (model) & 1u << kind) != 0)
    return TRUE;
  g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
               _ ("“%s” is %s, which this network cannot be fed. Choose another file."),
               eng_input_get_name (input), eng_input_kind_name (kind));
  return FALSE;
}

/* ---- What was chosen ---- */

static char *
dup_sound_facts (EngSound *sound)
{
  double rate = eng_sound_get_rate (sound);

  /* Translators: length and sample rate of a sound: "1.00 s at 16 kHz" */
  return g_strdup_printf (_ ("%.2f s at %g kHz"), (double)eng_sound_get_n_samples (sound) / rate,
                          rate / 1000);
}

char *
app_input_dup_facts (EngInput *input)
{
  char shape[128];

  g_return_val_if_fail (input != NULL, NULL);

  switch (eng_input_get_kind (input))
    {
    case ENG_INPUT_PICTURE:
      return g_strdup_printf ("%u × %u", eng_picture_get_width (eng_input_get_picture (input)),
                              eng_picture_get_height (eng_input_get_picture (input)));
    case ENG_INPUT_SOUND:
      return dup_sound_facts (eng_input_get_sound (input));
    case ENG_INPUT_ARRAY:
      rt_shape_text (eng_array_get_shape (eng_input_get_array (input)), shape, sizeof shape);
      return g_strdup_printf ("%s %s",
                              rt_type_name (
                                  eng_array_get_type_of_elements (eng_input_get_array (input))),
                              shape);
    case ENG_INPUT_BYTES:
      return g_format_size (g_bytes_get_size (eng_input_get_bytes (input)));
    case ENG_INPUT_RANDOM:
    default:
      return g_strdup ("");
    }
}

/* ---- The file dialog ---- */

static void
add_suffixes (GtkFileFilter *filter, const char *const *suffixes)
{
  for (guint i = 0; suffixes[i] != NULL; i++)
    gtk_file_filter_add_suffix (filter, suffixes[i]);
}

void
app_input_add_filters (EngModel *model, GtkFileChooser *chooser)
{
  guint kinds = app_input_kinds (model);
  const struct
  {
    guint kind;
    const char *title;
    const char *const *suffixes;
  } known[] = {
    { ENG_INPUT_PICTURE, _ ("Pictures"), picture_suffixes },
    { ENG_INPUT_SOUND, _ ("Sounds"), sound_suffixes },
    { ENG_INPUT_ARRAY, _ ("Tensors (.npy, .bin)"), tensor_suffixes },
  };
  g_autoptr (GtkFileFilter) any = gtk_file_filter_new ();

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    if ((kinds & 1u << known[i].kind) != 0)
      {
        g_autoptr (GtkFileFilter) filter = gtk_file_filter_new ();

        gtk_file_filter_set_name (filter, known[i].title);
        add_suffixes (filter, known[i].suffixes);
        gtk_file_chooser_add_filter (chooser, filter);
      }
  gtk_file_filter_set_name (any, _ ("All Files"));
  gtk_file_filter_add_pattern (any, "*");
  gtk_file_chooser_add_filter (chooser, any);
}
