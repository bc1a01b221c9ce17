/* Reading a network: the importer's graph, its card, its blocks, and what surrounds it. */
#include <string.h>

#include "eng-error.h"
#include "eng-model-types.h"

/* Files up to this size are hashed whole when they are opened: 0.1 s at most. */
#define SMALL_FILE (16u << 20)

static char *
find_name (EngModel *self)
{
  const char *title = eng_card_get_title (self->card);
  if (title != NULL)
    return g_strdup (title);
  g_autofree char *base = g_path_get_basename (self->path);
  char *dot = strrchr (base, '.');
  if (dot != NULL && dot != base)
    *dot = '\0';
  return g_filename_display_name (base);
}

static void
count_params (EngModel *self)
{
  for (RtValueId i = 0; i < rt_graph_n_values (self->imported->graph); i++)
    {
      const RtValue *value = rt_graph_value (self->imported->graph, i);
      if (value->kind == RT_VALUE_WEIGHT)
        self->n_params += rt_shape_n (&value->shape);
    }
}

static void
add_bytes (GChecksum *sum, const guint8 *bytes, guint64 n_bytes)
{
  gssize n = (gssize)MIN (n_bytes, 256);
  if (bytes == NULL)
    return;
  g_checksum_update (sum, bytes, n);
  g_checksum_update (sum, bytes + (n_bytes - (guint64)n) / 2, n);
  g_checksum_update (sum, bytes + n_bytes - (guint64)n, n);
}

/* What tells this network from another: the whole file's hash when that is quick, else every node
 * and constant by name and samples of its bytes; and the card, which is part of the graph. */
static void
make_identity (EngModel *self)
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  const RtGraph *graph = self->imported->graph;

  g_checksum_update (sum, (const guchar *)self->imported->format, -1);
  g_checksum_update (sum, (const guchar *)eng_card_get_text (self->card), -1);
  if (self->hash != NULL)
    g_checksum_update (sum, (const guchar *)self->hash, -1);
  for (RtNodeId i = 0; self->hash == NULL && i < rt_graph_n_nodes (graph); i++)
    {
      const RtNode *node = rt_graph_node (graph, i);
      g_checksum_update (sum, (const guchar *)node->name, -1);
      g_checksum_update (sum, (const guchar *)node->op->name, -1);
    }
  for (RtValueId i = 0; self->hash == NULL && i < rt_graph_n_values (graph); i++)
    {
      const RtValue *value = rt_graph_value (graph, i);
      if (value->kind != RT_VALUE_WEIGHT)
        continue;
      g_checksum_update (sum, (const guchar *)value->name, -1);
      add_bytes (sum, value->data, value->data_bytes);
    }
  self->identity = g_strdup (g_checksum_get_string (sum));
}

static guint64
file_bytes (const char *path)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInfo) info
      = g_file_query_info (file, G_FILE_ATTRIBUTE_STANDARD_SIZE, 0, NULL, NULL);
  return info != NULL ? (guint64)g_file_info_get_size (info) : 0;
}

/* The card may know sizes that the file leaves open. */
static gboolean
bind_dims (EngModel *self, const EngFormat *format, GCancellable *cancellable, GError **error)
{
  guint n;
  g_autofree EngDimSize *dims = eng_card_dup_dims (self->card, &n);
  if (n == 0)
    return TRUE;
  g_clear_pointer (&self->imported, eng_imported_free);
  self->imported = format->load (self->path, dims, n, cancellable, error);
  return self->imported != NULL;
}

gboolean
eng_model_load_network (EngModel *self, const EngFormat *format, GCancellable *cancellable,
                        GError **error)
{
  self->imported = format->load (self->path, NULL, 0, cancellable, error);
  if (self->imported == NULL)
    return FALSE;
  self->file_bytes = file_bytes (self->path);
  if (self->file_bytes <= SMALL_FILE)
    {
      g_autofree char *hash = eng_model_dup_hash (self, cancellable, error);
      if (hash == NULL)
        return FALSE;
    }
  self->card = eng_card_find (self->path, self->imported, self->hash, error);
  if (self->card == NULL || !bind_dims (self, format, cancellable, error))
    return FALSE;

  self->name = find_name (self);
  self->blocks = eng_blocks_new (self->imported->graph);
  self->n_layers = self->blocks->n;
  self->network = eng_network_new (self->imported, self->card, self->blocks, FALSE, error);
  if (self->network == NULL)
    return FALSE;
  if (strcmp (eng_card_get_front (self->card), "tensor") != 0)
    {
      self->bare = eng_network_new (self->imported, self->card, self->blocks, TRUE, error);
      if (self->bare == NULL)
        return FALSE;
    }
  self->graph = self->network->graph;
  count_params (self);
  make_identity (self);
  return TRUE;
}
