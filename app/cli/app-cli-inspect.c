/* `lathe inspect FILE`: what is in a model, and what of it cannot run. */

#include "app-cli-private.h"
#include "kn-types.h"

static gboolean as_json;
static gboolean show_tensors;

static const GOptionEntry entries[] = {
  { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "One JSON object", NULL },
  { "tensors", 0, 0, G_OPTION_ARG_NONE, &show_tensors, "List every weight matrix and every node",
    NULL },
  { NULL },
};

static const char *
dtype_name (int dtype)
{
  const KnDtypeInfo *info = kn_dtype_info (dtype);

  return info != NULL ? info->name : rt_gguf_dtype_name (dtype);
}

/* "768", or "512 to 768" where blocks that have the part differ; @offset: of the size in
 * RtArchBlock. */
static char *
dup_size (EngModel *model, gsize offset)
{
  const RtArchParams *params = eng_model_get_params (model);
  guint least = G_MAXUINT, most = 0;

  for (guint i = 0; i < params->n_layers; i++)
    {
      RtArchBlock block = rt_arch_block (eng_model_get_gguf (model), params, i);
      guint size = G_STRUCT_MEMBER (guint32, &block, offset);
      least = size > 0 ? MIN (least, size) : least;
      most = MAX (most, size);
    }
  return least < most ? g_strdup_printf ("%u to %u", least, most) : g_strdup_printf ("%u", most);
}

/* Blocks that lack a half: ", 1 without attention"; "": none. */
static char *
dup_halves (EngModel *model)
{
  const RtArchParams *params = eng_model_get_params (model);
  guint n_attention = 0, n_feed_forward = 0;
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < params->n_layers; i++)
    {
      RtArchBlock block = rt_arch_block (eng_model_get_gguf (model), params, i);
      n_attention += block.n_heads > 0;
      n_feed_forward += block.n_ff > 0;
    }
  if (n_attention < params->n_layers)
    g_string_append_printf (text, ", %u without attention", params->n_layers - n_attention);
  if (n_feed_forward < params->n_layers)
    g_string_append_printf (text, ", %u without feed-forward", params->n_layers - n_feed_forward);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
print_text (EngModel *model)
{
  const RtArchParams *params = eng_model_get_params (model);
  g_autofree char *formats = eng_model_dup_formats (model);
  g_autofree char *licence = eng_model_dup_licence (model);
  g_autofree char *size = eng_format_value ((double)eng_model_get_file_bytes (model), "B");
  g_autofree char *n_params = eng_format_value ((double)eng_model_get_n_params (model), "");

  g_print ("%s\n", eng_model_get_name (model));
  g_print ("  %s, architecture %s, %s in %s of weights\n", eng_model_get_format (model),
           eng_model_get_arch (model), n_params, size);
  g_print ("  weights: %s\n", formats);
  g_print ("  licence: %s\n", licence != NULL ? licence : "the file names none");
  g_autofree char *n_ff = dup_size (model, G_STRUCT_OFFSET (RtArchBlock, n_ff));
  g_autofree char *n_heads = dup_size (model, G_STRUCT_OFFSET (RtArchBlock, n_heads));
  g_autofree char *n_kv_heads = dup_size (model, G_STRUCT_OFFSET (RtArchBlock, n_kv_heads));
  g_autofree char *halves = dup_halves (model);
  g_print ("  %u blocks%s, %u wide, feed-forward %s, %s query heads on %s KV heads of %u, "
           "vocabulary %u%s, trained context %u\n",
           params->n_layers, halves, params->n_embd, n_ff, n_heads, n_kv_heads, params->head_dim,
           params->n_vocab, params->tied_embeddings ? " (tied)" : "", params->n_ctx_train);
  if (eng_model_get_tokenizer (model) == NULL)
    g_print ("  not supported: tokenizer: %s\n", eng_model_get_tokenizer_error (model));
  g_print ("  graph: %u nodes\n", rt_graph_n_nodes (eng_model_get_graph (model)));
}

static void
print_tensors (EngModel *model)
{
  const RtGraph *graph = eng_model_get_graph (model);

  g_print ("\n%-40s %-6s %16s %12s\n", "weight matrix", "format", "rows x columns", "bytes");
  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (model, i);

      g_print ("%-40s %-6s %8" G_GUINT64_FORMAT " x %5" G_GUINT64_FORMAT " %12" G_GUINT64_FORMAT
               "\n",
               tensor->name, dtype_name (tensor->dtype), tensor->n_rows, tensor->n_cols,
               tensor->bytes);
    }
  g_print ("\n%-6s %-28s %s\n", "layer", "node", "operator");
  for (guint i = 0; i < rt_graph_n_nodes (graph); i++)
    {
      const RtNode *node = rt_graph_node (graph, i);

      g_print ("%-6d %-28s %s\n", node->layer, node->name, node->op->name);
    }
}

static void
add_tensors (JsonBuilder *builder, EngModel *model)
{
  json_builder_set_member_name (builder, "tensors");
  json_builder_begin_array (builder);
  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (model, i);

      json_builder_begin_object (builder);
      app_cli_json_string (builder, "name", tensor->name);
      app_cli_json_int (builder, "layer", tensor->layer);
      app_cli_json_string (builder, "format", dtype_name (tensor->dtype));
      app_cli_json_int (builder, "rows", (gint64)tensor->n_rows);
      app_cli_json_int (builder, "columns", (gint64)tensor->n_cols);
      app_cli_json_int (builder, "bytes", (gint64)tensor->bytes);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

static void
add_nodes (JsonBuilder *builder, const RtGraph *graph)
{
  json_builder_set_member_name (builder, "nodes");
  json_builder_begin_array (builder);
  for (guint i = 0; i < rt_graph_n_nodes (graph); i++)
    {
      const RtNode *node = rt_graph_node (graph, i);

      json_builder_begin_object (builder);
      app_cli_json_string (builder, "name", node->name);
      app_cli_json_int (builder, "layer", node->layer);
      app_cli_json_string (builder, "operator", node->op->name);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

/* Of every block, for models whose blocks are not all alike. */
static void
add_blocks (JsonBuilder *builder, EngModel *model)
{
  const RtArchParams *params = eng_model_get_params (model);

  json_builder_set_member_name (builder, "block_sizes");
  json_builder_begin_array (builder);
  for (guint i = 0; i < params->n_layers; i++)
    {
      RtArchBlock block = rt_arch_block (eng_model_get_gguf (model), params, i);
      json_builder_begin_object (builder);
      app_cli_json_int (builder, "feed_forward_length", block.n_ff);
      app_cli_json_int (builder, "query_heads", block.n_heads);
      app_cli_json_int (builder, "kv_heads", block.n_kv_heads);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

static void
add_language (JsonBuilder *builder, EngModel *model)
{
  const RtArchParams *params = eng_model_get_params (model);

  app_cli_json_string (builder, "kind", "language");
  app_cli_json_string (builder, "architecture", eng_model_get_arch (model));
  app_cli_json_int (builder, "blocks", params->n_layers);
  app_cli_json_int (builder, "embedding_length", params->n_embd);
  app_cli_json_int (builder, "feed_forward_length", params->n_ff);
  app_cli_json_int (builder, "query_heads", params->n_heads);
  app_cli_json_int (builder, "kv_heads", params->n_kv_heads);
  app_cli_json_int (builder, "head_dim", params->head_dim);
  add_blocks (builder, model);
  app_cli_json_int (builder, "vocabulary", params->n_vocab);
  app_cli_json_int (builder, "trained_context_tokens", params->n_ctx_train);
  json_builder_set_member_name (builder, "not_supported");
  json_builder_begin_array (builder);
  if (eng_model_get_tokenizer (model) == NULL)
    json_builder_add_string_value (builder, eng_model_get_tokenizer_error (model));
  json_builder_end_array (builder);
}

static void
print_json (EngModel *model)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autofree char *licence = eng_model_dup_licence (model);

  json_builder_begin_object (builder);
  app_cli_json_string (builder, "path", eng_model_get_path (model));
  app_cli_json_string (builder, "name", eng_model_get_name (model));
  app_cli_json_string (builder, "format", eng_model_get_format (model));
  app_cli_json_string (builder, "licence", licence);
  app_cli_json_int (builder, "file_bytes", (gint64)eng_model_get_file_bytes (model));
  app_cli_json_int (builder, "parameters", (gint64)eng_model_get_n_params (model));
  if (eng_model_get_kind (model) == ENG_MODEL_NETWORK)
    app_cli_json_network (builder, model);
  else
    add_language (builder, model);
  add_tensors (builder, model);
  add_nodes (builder, eng_model_get_graph (model));
  json_builder_end_object (builder);
  app_cli_json_print (builder);
}

static gboolean
run (int argc, char **argv, GError **error)
{
  g_autoptr (EngModel) model = NULL;

  if (!app_cli_parse (&app_command_inspect, entries, &argc, &argv, 1, error))
    return FALSE;
  model = eng_model_load (argv[1], NULL, error);
  if (model == NULL)
    return FALSE;
  if (as_json)
    print_json (model);
  else if (eng_model_get_kind (model) == ENG_MODEL_NETWORK)
    app_cli_print_network (model);
  else
    print_text (model);
  if (!as_json && show_tensors)
    print_tensors (model);
  return TRUE;
}

const AppCommand app_command_inspect
    = { "inspect", "FILE [--tensors] [--json]",
        "The graph, its layers, formats and sizes, and what is not supported and where.", run };
