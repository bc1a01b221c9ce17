/* The table of network formats. Adding one: its files, a row here. */
#include "eng-format.h"

#include <errno.h>
#include <stdio.h>

#include "eng-error.h"
#include "eng-formats.h"

#define HEAD_BYTES 4096

static const EngFormat *const formats[] = {
  &eng_format_onnx,
  &eng_format_tflite,
  NULL,
};

const EngFormat *const *
eng_format_list (guint *n)
{
  *n = G_N_ELEMENTS (formats) - 1;
  return formats;
}

const EngFormat *
eng_format_of_file (const char *path, GError **error)
{
  guint8 head[HEAD_BYTES];
  FILE *file = fopen (path, "rbe");

  if (file == NULL)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_IO, "%s cannot be opened: %s", path,
                   g_strerror (errno));
      return NULL;
    }
  gsize n = fread (head, 1, sizeof head, file);
  fclose (file);
  for (guint i = 0; formats[i] != NULL; i++)
    if (formats[i]->sniff (head, n))
      return formats[i];
  return NULL;
}

void
eng_imported_free (EngImported *imported)
{
  if (imported == NULL)
    return;
  rt_graph_free (imported->graph);
  for (guint i = 0; i < imported->n_inputs; i++)
    g_free (imported->inputs[i].name);
  for (guint i = 0; i < imported->n_outputs; i++)
    g_free (imported->outputs[i].name);
  g_free (imported->inputs);
  g_free (imported->outputs);
  g_strfreev (imported->report);
  g_free (imported->format);
  g_free (imported->name);
  g_free (imported->producer);
  g_free (imported->description);
  g_free (imported->licence);
  g_strfreev (imported->labels);
  g_strfreev (imported->dims);
  g_clear_pointer (&imported->backing, g_bytes_unref);
  g_free (imported);
}
