/* Fuzz target: any bytes as a TFLite file. All that the reader hands out is touched, and the file
 * is imported as a network. */
#include "fuzz.h"

#include <string.h>

#include "eng-flexbuffer.h"
#include "eng-tflite-file.h"
#include "eng-tflite-metadata.h"
#include "eng-tflite.h"
#include "eng-zip.h"

#ifdef LATHE_LIBFUZZER
bool fuzz_accepted;
#endif

/* Every byte counts, so that a sanitizer sees it read. */
static volatile unsigned sink;

static void
touch (const void *data, guint64 n)
{
  const guint8 *p = data;

  for (guint64 i = 0; i < n; i++)
    sink += p[i];
}

static void
touch_tensor (EngFlat *flat, const EngTfliteTensor *tensor)
{
  touch (tensor->name, strlen (tensor->name));
  touch (tensor->data, tensor->data_bytes);
  touch (tensor->scales, tensor->n_scales * sizeof (float));
  touch (tensor->zero_points, tensor->n_scales * sizeof (gint32));
  FUZZ_CHECK (eng_tflite_type_name (tensor->type) != NULL);
  for (guint i = 0; tensor->sparsity && i < tensor->sparsity->n_levels; i++)
    {
      const EngTfliteSparseDim *dim = &tensor->sparsity->dims[i];
      touch (eng_flat_vector_bytes (flat, dim->segments),
             (guint64)dim->segments.n_items * dim->segment_bytes);
      touch (eng_flat_vector_bytes (flat, dim->indices),
             (guint64)dim->indices.n_items * dim->index_bytes);
    }
}

static void
touch_op (EngFlat *flat, const EngTfliteSubgraph *graph, const EngTfliteOp *op)
{
  EngFlex flex;
  gint64 whole;
  double real;

  for (guint32 i = 0; i < op->n_inputs; i++)
    FUZZ_CHECK (op->inputs[i] >= -1 && op->inputs[i] < (gint64)graph->n_tensors);
  for (guint32 i = 0; i < op->n_outputs; i++)
    FUZZ_CHECK (op->outputs[i] >= 0 && op->outputs[i] < (gint64)graph->n_tensors);
  for (guint slot = 0; slot < 8; slot++)
    {
      eng_flat_i32 (flat, op->options, slot, 1);
      eng_flat_f32 (flat, op->options, slot, 1);
    }
  touch (op->custom_options, op->n_custom_options);
  if (op->custom)
    touch (op->custom, strlen (op->custom));
  if (eng_flex_init (&flex, op->custom_options, op->n_custom_options))
    {
      eng_flex_int (&flex, "num_channels", &whole);
      eng_flex_float (&flex, "scale", &real);
    }
}

static void
touch_file (EngTfliteFile *file)
{
  for (guint32 s = 0; s < file->n_subgraphs; s++)
    {
      const EngTfliteSubgraph *graph = &file->subgraphs[s];
      for (guint32 i = 0; i < graph->n_tensors; i++)
        touch_tensor (&file->flat, &graph->tensors[i]);
      for (guint32 i = 0; i < graph->n_ops; i++)
        touch_op (&file->flat, graph, &graph->ops[i]);
      touch (graph->inputs, graph->n_inputs * sizeof (gint32));
      touch (graph->outputs, graph->n_outputs * sizeof (gint32));
    }
  for (guint32 i = 0; i < file->n_signatures; i++)
    FUZZ_CHECK (file->signatures[i].subgraph < file->n_subgraphs);
}

/* What is imported is sound, or there is a reason for each part that is not. */
static void
import (const guint8 *data, size_t n)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (data, n);
  g_autoptr (GError) error = NULL;
  g_autoptr (EngImported) imported = eng_tflite_import (bytes, NULL, 0, NULL, &error);
  RtError rt_error = { 0 };

  FUZZ_CHECK ((imported == NULL) == (error != NULL));
  if (!imported)
    return;
  for (guint i = 0; imported->report[i]; i++)
    {
      FUZZ_CHECK (imported->report[i][0] != '\0');
      FUZZ_CHECK (g_utf8_validate (imported->report[i], -1, NULL));
    }
  FUZZ_CHECK (rt_graph_validate (imported->graph, &rt_error));
  for (guint i = 0; i < imported->n_outputs; i++)
    FUZZ_CHECK (imported->outputs[i].value < rt_graph_n_values (imported->graph));
}

static void
touch_archive (const guint8 *data, size_t n)
{
  g_autoptr (GArray) entries = eng_zip_list (data, n);

  for (guint i = 0; entries && i < entries->len && i < 16; i++)
    {
      const EngZipEntry *entry = &g_array_index (entries, EngZipEntry, i);
      g_autoptr (GBytes) bytes = eng_zip_read (data, n, entry, 1 << 16, NULL);
      if (bytes)
        touch (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t n)
{
  /* With nothing behind it, and at an odd place. */
  guint8 *copy = g_malloc (n + 1), *bytes = copy + 1;
  g_autoptr (GError) error = NULL;

  memcpy (bytes, data, n);
  g_autoptr (EngTfliteFile) file = eng_tflite_file_new (bytes, n, &error);
  FUZZ_CHECK ((file == NULL) == (error != NULL));
  fuzz_accepted = file != NULL;
  if (file)
    {
      touch_file (file);
      g_autoptr (EngTfliteMetadata) metadata = eng_tflite_metadata_new (file, bytes, n, NULL);
      import (bytes, n);
    }
  touch_archive (bytes, n);
  g_clear_pointer (&file, eng_tflite_file_free);
  g_free (copy);
  return 0;
}
