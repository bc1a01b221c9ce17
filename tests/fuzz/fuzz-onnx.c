/* Fuzz target: any bytes as an ONNX file, imported as a whole. A graph that comes out is sound, and
 * so is its report. */
#include "fuzz.h"

#include <string.h>

#include "eng-onnx.h"

#ifdef LATHE_LIBFUZZER
bool fuzz_accepted;
#endif

static volatile unsigned sink;

static void
touch (const RtValue *value)
{
  const guint8 *bytes = value->data;

  FUZZ_CHECK (value->name != NULL && value->shape.n_dims <= RT_MAX_DIMS);
  if (value->kind != RT_VALUE_WEIGHT)
    return;
  FUZZ_CHECK (value->data_bytes == rt_shape_n (&value->shape) * rt_type_bytes (value->type));
  for (guint64 i = 0; i < value->data_bytes; i++)
    sink += bytes[i];
}

static void
check (const EngImported *imported)
{
  const RtGraph *graph = imported->graph;
  RtError error = { 0 };

  FUZZ_CHECK (rt_graph_validate (graph, &error));
  for (RtValueId i = 0; i < rt_graph_n_values (graph); i++)
    touch (rt_graph_value (graph, i));
  for (guint i = 0; i < imported->n_outputs; i++)
    FUZZ_CHECK (imported->outputs[i].value < rt_graph_n_values (graph));
  for (guint i = 0; imported->report[i] != NULL; i++)
    FUZZ_CHECK (g_utf8_validate (imported->report[i], -1, NULL));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t n)
{
  GError *error = NULL;
  EngOnnxFile *file = eng_onnx_file_new_from_bytes (data, n, NULL, &error);
  EngImported *imported = file != NULL ? eng_onnx_import (file, NULL, NULL, &error) : NULL;

  FUZZ_CHECK ((imported != NULL) == (error == NULL));
  fuzz_accepted = imported != NULL && imported->report[0] == NULL;
  if (imported != NULL)
    check (imported);
  else
    FUZZ_CHECK (error->message[0] != '\0');
  g_clear_error (&error);
  eng_imported_free (imported);
  return 0;
}
