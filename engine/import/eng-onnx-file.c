/* Opening an ONNX file: size limits, the walk over the raw bytes, unpacking with libprotobuf-c
 * under a memory bound, the first checks. Called by eng-onnx.c and by the tests. Knows nothing of
 * operators; tensors are read in eng-onnx-tensor.c. */
#include "eng-onnx-file.h"
#include "eng-onnx-file-private.h"

#include "eng-error.h"
#include "eng-onnx-wire.h"

#include <string.h>

#define MAX_FILE_BYTES G_MAXINT32
/* Files of mostly empty messages unpack to fifty times their size: allowed while small. */
#define FREE_HEAP_BYTES (64u << 20)
#define MAX_HEAP_RATIO 6

/* ---- an allocator with a limit ---- */

typedef struct
{
  guint64 used, limit;
} Budget;

static void *
budget_alloc (void *data, size_t n)
{
  Budget *budget = data;

  if (n > budget->limit - budget->used)
    return NULL;
  budget->used += n;
  return g_try_malloc (MAX (n, 1));
}

static void
budget_free (void *data, void *pointer)
{
  g_free (pointer);
}

/* A message of @type, to be freed with the same allocator functions. */
static ProtobufCMessage *
unpack (const ProtobufCMessageDescriptor *type, const guint8 *data, gsize n, GError **error)
{
  guint64 heap_bytes;

  if (!eng_onnx_wire_check (type, data, n, &heap_bytes, error))
    return NULL;
  guint64 limit = FREE_HEAP_BYTES + MAX_HEAP_RATIO * (guint64)n;
  if (heap_bytes > limit)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_MEMORY,
                   "The file has %" G_GSIZE_FORMAT " bytes and would take %" G_GUINT64_FORMAT
                   " in memory: it holds an absurd number of empty parts",
                   n, heap_bytes);
      return NULL;
    }

  /* Lists that the library doubles while it reads a message come on top: given back at once. */
  Budget budget = { 0, 4 * limit };
  ProtobufCAllocator allocator = { budget_alloc, budget_free, &budget };
  ProtobufCMessage *message = protobuf_c_message_unpack (type, &allocator, n, data);
  if (message == NULL)
    g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                 "Not an ONNX file, or a damaged one: a field has the wrong kind");
  return message;
}

/* ---- what must hold for any model ---- */

static gboolean
check_opsets (const Onnx__ModelProto *model, GError **error)
{
  if (model->n_opset_import == 0 && model->ir_version >= 3)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                   "The file does not say which operator set (opset) it uses");
      return FALSE;
    }
  return TRUE;
}

static gboolean
check_model (EngOnnxFile *file, GError **error)
{
  const Onnx__ModelProto *model = file->model;

  /* Almost any short text is a valid protobuf message of unknown fields. */
  if (model->graph == NULL || !model->has_ir_version || model->ir_version < 1)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT, "Not an ONNX file: it holds no %s",
                   model->graph == NULL ? "graph" : "version of the format");
      return FALSE;
    }
  return check_opsets (model, error);
}

static EngOnnxFile *
new_file (const char *folder)
{
  EngOnnxFile *file = g_new0 (EngOnnxFile, 1);

  file->folder = g_strdup (folder);
  file->memory = g_ptr_array_new_with_free_func (g_free);
  file->external = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                          (GDestroyNotify)g_mapped_file_unref);
  return file;
}

EngOnnxFile *
eng_onnx_file_new_from_bytes (const guint8 *data, gsize n, const char *folder, GError **error)
{
  g_autoptr (EngOnnxFile) file = new_file (folder);

  if (n == 0)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT, "Not an ONNX file: it is empty");
      return NULL;
    }
  if (n > MAX_FILE_BYTES)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                   "Not an ONNX file: %" G_GSIZE_FORMAT
                   " bytes, and the format ends at 2 GiB (larger weights lie in files beside it)",
                   n);
      return NULL;
    }
  file->model = (Onnx__ModelProto *)unpack (&onnx__model_proto__descriptor, data, n, error);
  if (file->model == NULL || !check_model (file, error))
    return NULL;
  return g_steal_pointer (&file);
}

EngOnnxFile *
eng_onnx_file_load (const char *path, GError **error)
{
  g_autoptr (GError) io_error = NULL;
  g_autoptr (GMappedFile) mapped = g_mapped_file_new (path, FALSE, &io_error);
  g_autofree char *folder = g_path_get_dirname (path);

  if (mapped == NULL)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_IO, "%s: %s", path, io_error->message);
      return NULL;
    }
  EngOnnxFile *file
      = eng_onnx_file_new_from_bytes ((const guint8 *)g_mapped_file_get_contents (mapped),
                                      g_mapped_file_get_length (mapped), folder, error);
  if (file == NULL)
    g_prefix_error (error, "%s: ", path);
  return file;
}

void
eng_onnx_file_free (EngOnnxFile *file)
{
  if (file == NULL)
    return;
  ProtobufCAllocator allocator = { NULL, budget_free, NULL };
  protobuf_c_message_free_unpacked ((ProtobufCMessage *)file->model, &allocator);
  protobuf_c_message_free_unpacked ((ProtobufCMessage *)file->tensor, &allocator);
  g_hash_table_unref (file->external);
  g_ptr_array_unref (file->memory);
  g_free (file->folder);
  g_free (file);
}

const Onnx__ModelProto *
eng_onnx_file_model (const EngOnnxFile *file)
{
  return file->model;
}

static gboolean
is_onnx_domain (const char *domain)
{
  return domain == NULL || domain[0] == '\0' || strcmp (domain, "ai.onnx") == 0;
}

gint64
eng_onnx_file_opset (const EngOnnxFile *file, const char *domain)
{
  for (gsize i = 0; i < file->model->n_opset_import; i++)
    {
      const Onnx__OperatorSetIdProto *set = file->model->opset_import[i];
      if (is_onnx_domain (domain) ? is_onnx_domain (set->domain)
                                  : g_strcmp0 (set->domain, domain) == 0)
        return set->version;
    }
  /* Files of the first format versions say nothing and mean the first set. */
  return file->model->n_opset_import == 0 && is_onnx_domain (domain) ? 1 : 0;
}

gpointer
eng_onnx_file_alloc (EngOnnxFile *file, gsize n)
{
  gpointer memory = g_try_malloc0 (MAX (n, 8));

  if (memory != NULL)
    g_ptr_array_add (file->memory, memory);
  return memory;
}

EngOnnxFile *
eng_onnx_tensor_load (const char *path, EngOnnxTensor *out, GError **error)
{
  g_autoptr (EngOnnxFile) file = new_file (NULL);
  g_autoptr (GError) io_error = NULL;
  g_autoptr (GMappedFile) mapped = g_mapped_file_new (path, FALSE, &io_error);

  if (mapped == NULL)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_IO, "%s: %s", path, io_error->message);
      return NULL;
    }
  gsize n = g_mapped_file_get_length (mapped);
  const char *bytes = n > 0 ? g_mapped_file_get_contents (mapped) : "";
  file->tensor = (Onnx__TensorProto *)unpack (&onnx__tensor_proto__descriptor,
                                              (const guint8 *)bytes, n, error);
  if (file->tensor == NULL || !eng_onnx_file_tensor (file, file->tensor, out, error))
    {
      g_prefix_error (error, "%s: ", path);
      return NULL;
    }
  return g_steal_pointer (&file);
}

static gboolean
is_initializer (const Onnx__GraphProto *graph, const char *name)
{
  for (gsize i = 0; i < graph->n_initializer; i++)
    if (g_strcmp0 (graph->initializer[i]->name, name) == 0)
      return TRUE;
  return FALSE;
}

void
eng_onnx_file_input_names (const EngOnnxFile *file, GPtrArray *names)
{
  const Onnx__GraphProto *graph = file->model->graph;

  for (gsize i = 0; i < graph->n_input; i++)
    if (graph->input[i]->name != NULL && !is_initializer (graph, graph->input[i]->name))
      g_ptr_array_add (names, g_strdup (graph->input[i]->name));
}

gboolean
eng_onnx_file_has_node (const EngOnnxFile *file, const char *op)
{
  const Onnx__GraphProto *graph = file->model->graph;

  for (gsize i = 0; i < graph->n_node; i++)
    if (g_strcmp0 (graph->node[i]->op_type, op) == 0)
      return TRUE;
  return FALSE;
}
