/* Which files are models. Language models come as GGUF or as folders of safetensors; those of
 * networks are the engine's table. Called by the window's opening; knows no window. */
#include "app-formats.h"

#include "app-config.h"
#include "import/eng-format.h"

#include <glib/gi18n.h>

/* data/org.lathe.Lathe.mime.xml names the same. */
static const struct
{
  const char *suffix, *type;
} mime_types[] = {
  { "gguf", "application/x-gguf" },   { "safetensors", "application/x-safetensors" },
  { "onnx", "application/x-onnx" },   { "tflite", "application/x-tflite" },
  { "lite", "application/x-tflite" },
};

static const char *const language_suffixes[] = { "gguf", "safetensors" };

static char *
dup_network_formats (void)
{
  guint n;
  const EngFormat *const *formats = eng_format_list (&n);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", formats[i]->title);
  return g_string_free (text, FALSE);
}

char *
app_formats_dup_list (void)
{
  g_autofree char *networks = dup_network_formats ();

  /* Translators: a list of file formats, "ONNX, TFLite" */
  return g_strdup_printf (_ ("language models (GGUF, safetensors) and networks (%s)"), networks);
}

static GtkFileFilter *
add_filter (GPtrArray *filters, const char *name)
{
  GtkFileFilter *filter = gtk_file_filter_new ();

  gtk_file_filter_set_name (filter, name);
  g_ptr_array_add (filters, filter);
  return filter;
}

GPtrArray *
app_formats_new_filters (void)
{
  guint n;
  const EngFormat *const *formats = eng_format_list (&n);
  GPtrArray *filters = g_ptr_array_new_with_free_func (g_object_unref);
  g_autofree char *networks = dup_network_formats ();
  g_autofree char *name = g_strdup_printf (_ ("Models (GGUF, safetensors, %s)"), networks);
  GtkFileFilter *all = add_filter (filters, name);

  GtkFileFilter *language = add_filter (filters, _ ("Language Models (GGUF, safetensors)"));
  for (guint i = 0; i < G_N_ELEMENTS (language_suffixes); i++)
    {
      gtk_file_filter_add_suffix (all, language_suffixes[i]);
      gtk_file_filter_add_suffix (language, language_suffixes[i]);
    }
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *title = g_strdup_printf (_ ("Networks (%s)"), formats[i]->title);
      GtkFileFilter *one = add_filter (filters, title);

      for (guint k = 0; formats[i]->suffixes[k] != NULL; k++)
        {
          gtk_file_filter_add_suffix (all, formats[i]->suffixes[k]);
          gtk_file_filter_add_suffix (one, formats[i]->suffixes[k]);
        }
    }
  return filters;
}

static gboolean
has_suffix (const char *name, const char *suffix)
{
  const char *dot = name != NULL ? strrchr (name, '.') : NULL;

  return dot != NULL && g_ascii_strcasecmp (dot + 1, suffix) == 0;
}

const char *
app_formats_get_mime_type (EngModel *model)
{
  for (guint i = 0; i < G_N_ELEMENTS (mime_types); i++)
    if (has_suffix (eng_model_get_path (model), mime_types[i].suffix))
      return mime_types[i].type;
  return "application/octet-stream";
}

gboolean
app_formats_is_model_name (const char *name)
{
  guint n;
  const EngFormat *const *formats = eng_format_list (&n);

  for (guint i = 0; i < G_N_ELEMENTS (language_suffixes); i++)
    if (has_suffix (name, language_suffixes[i]))
      return TRUE;
  for (guint i = 0; i < n; i++)
    for (guint k = 0; formats[i]->suffixes[k] != NULL; k++)
      if (has_suffix (name, formats[i]->suffixes[k]))
        return TRUE;
  return FALSE;
}
