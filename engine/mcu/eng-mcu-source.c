/* The text of network.c and network.h: one function per layer (per patch and layer where layers run
 * in patches), states, and the tables that mc-network.h describes. Operators write their own parts
 * through eng-mcu-write.c. The same program gives the same bytes: no dates, no addresses, no floats
 * that are rounded. */
#include "eng-mcu-write.h"

#include "ops/rt-int8.h"

/* ---- layers ---- */

/* The function of what the body holds now, and its entry in the table. */
static void
end_function (EngMcuSource *source, const char *function, const char *name, RtNodeId node)
{
  g_autofree char *short_name = eng_mcu_short_name (name);
  g_autofree char *literal = eng_mcu_literal (short_name);

  if (source->body->len == 0)
    return;
  g_string_append_printf (source->functions, "static void\n%s (void)\n{\n%s}\n\n", function,
                          source->body->str);
  g_string_append_printf (source->table, "  { %s, %u, %s },\n", literal, node, function);
  g_string_truncate (source->body, 0);
  source->n_entries++;
}

static void
write_call (EngMcuSource *source, const EngMcuNode *node, const EngMcuPatch *patch,
            const char *function)
{
  const EngMcuProgram *p = source->program;
  const RtNode *n = node->node;
  g_autofree guint64 *offsets = g_new (guint64, n->n_inputs + 1);
  g_autofree McPart *in = g_new0 (McPart, n->n_inputs + 1);

  for (guint i = 0; i < n->n_inputs; i++)
    {
      offsets[i] = n->inputs[i] != RT_NONE ? p->offsets[n->inputs[i]] : G_MAXUINT64;
      if (patch != NULL && n->inputs[i] != RT_NONE)
        in[i] = patch->parts[n->inputs[i]];
    }
  const EngMcuCall call = { .in = patch != NULL ? in : NULL,
                            .out = patch != NULL ? &patch->parts[n->outputs[0]] : NULL,
                            .into_whole = patch != NULL && node->id == p->tiling.last,
                            .x_offset = offsets,
                            .y_offset = p->offsets[n->outputs[0]],
                            .scratch_offset = p->scratches[node->id] };
  eng_mcu_op_find (n->op)->call (source, node, &call);
  end_function (source, function, n->name, node->id);
}

static void
write_constants (EngMcuSource *source, const EngMcuNode *node)
{
  const EngMcuOp *op = eng_mcu_op_find (node->node->op);
  g_autofree char *name = eng_mcu_comment (node->node->name);
  char shape[128];

  rt_shape_text (&eng_mcu_output (node)->shape, shape, sizeof shape);
  eng_mcu_source_constant (source, "\n/* ---- layer %u: %s\n *      %s -> %s ---- */\n\n", node->id,
                           name, node->node->op->title, shape);
  if (op->constants != NULL)
    op->constants (source, node);
}

static void
write_patches (EngMcuSource *source)
{
  const EngMcuProgram *p = source->program;

  for (guint i = 0; i < p->tiling.rows * p->tiling.columns; i++)
    for (RtNodeId n = p->tiling.first; n <= p->tiling.last; n++)
      {
        g_autofree char *function = g_strdup_printf ("layer_%u_patch_%u", n, i);
        write_call (source, &g_array_index (p->nodes, EngMcuNode, n), &p->patches[i], function);
      }
}

/* The first node that reads @id, or that makes it. */
static RtNodeId
node_beside (const EngMcuProgram *p, RtValueId id)
{
  for (RtNodeId n = 0; n < rt_graph_n_nodes (p->graph); n++)
    for (guint i = 0; i < rt_graph_node (p->graph, n)->n_inputs; i++)
      if (rt_graph_node (p->graph, n)->inputs[i] == id)
        return n;
  return rt_graph_value (p->graph, id)->producer;
}

/* Unsigned codes become signed ones in front of the first layer, and back behind the last. */
static void
write_flips (EngMcuSource *source, RtValueKind kind)
{
  const EngMcuProgram *p = source->program;

  for (RtValueId id = 0; id < rt_graph_n_values (p->graph); id++)
    {
      const RtValue *value = rt_graph_value (p->graph, id);
      if (value->kind != kind || value->type != RT_TYPE_U8 || p->offsets[id] == G_MAXUINT64)
        continue;
      const RtNodeId n = kind == RT_VALUE_INPUT ? node_beside (p, id) : value->producer;
      g_autofree char *function = g_strdup_printf ("flip_%u", id);

      eng_mcu_source_line (source, "flip (AT (%" G_GUINT64_FORMAT "), %" G_GUINT64_FORMAT ");",
                           p->offsets[id], eng_mcu_value_bytes (value));
      end_function (source, function, rt_graph_node (p->graph, n)->name, n);
    }
}

/* After the last layer every state becomes what it is to be in the next run. */
static void
write_moves (EngMcuSource *source)
{
  const EngMcuProgram *p = source->program;

  for (RtValueId id = 0; id < rt_graph_n_values (p->graph); id++)
    {
      const RtValue *value = rt_graph_value (p->graph, id);
      if (value->kind != RT_VALUE_STATE || value->next == RT_NONE
          || p->offsets[id] == p->offsets[value->next])
        continue;
      const RtValue *next = rt_graph_value (p->graph, value->next);
      const RtNodeId n = next->producer != RT_NONE ? next->producer : node_beside (p, value->next);
      g_autofree char *function = g_strdup_printf ("move_%u", id);

      eng_mcu_source_line (source,
                           "mc_copy (%" G_GUINT64_FORMAT ", AT (%" G_GUINT64_FORMAT
                           "), AT (%" G_GUINT64_FORMAT "));",
                           eng_mcu_value_bytes (value), p->offsets[value->next], p->offsets[id]);
      end_function (source, function, rt_graph_node (p->graph, n)->name, n);
    }
}

/* What a state begins with, as bytes; unsigned codes as signed ones. */
static void
write_start (EngMcuSource *source, RtValueId id)
{
  const EngMcuProgram *p = source->program;
  const RtValue *value = rt_graph_value (p->graph, id);
  const gsize n = eng_mcu_value_bytes (value);
  g_autofree gint8 *bytes = value->data != NULL ? g_memdup2 (value->data, n) : g_malloc0 (n);
  gboolean all_zero = TRUE;

  for (gsize i = 0; i < n; i++)
    {
      if (value->type == RT_TYPE_U8)
        bytes[i] = (gint8)((guint8)bytes[i] ^ 0x80);
      all_zero &= bytes[i] == 0;
    }
  if (all_zero)
    {
      eng_mcu_source_line (source,
                           "__builtin_memset (AT (%" G_GUINT64_FORMAT "), 0, %" G_GSIZE_FORMAT ");",
                           p->offsets[id], n);
      return;
    }
  eng_mcu_source_i8 (source, "start", id, bytes, 1, n, n, value->name);
  eng_mcu_source_line (source,
                       "mc_copy (%" G_GSIZE_FORMAT ", start_%u, AT (%" G_GUINT64_FORMAT "));", n,
                       id, p->offsets[id]);
}

static gboolean
has_states (const EngMcuProgram *p)
{
  for (RtValueId id = 0; id < rt_graph_n_values (p->graph); id++)
    if (rt_graph_value (p->graph, id)->kind == RT_VALUE_STATE && p->offsets[id] != G_MAXUINT64)
      return TRUE;
  return FALSE;
}

static void
write_reset (EngMcuSource *source)
{
  const EngMcuProgram *p = source->program;

  for (RtValueId id = 0; id < rt_graph_n_values (p->graph); id++)
    if (rt_graph_value (p->graph, id)->kind == RT_VALUE_STATE && p->offsets[id] != G_MAXUINT64)
      write_start (source, id);
  if (source->body->len > 0)
    g_string_append_printf (source->functions,
                            "/* States as they are at the beginning. */\n"
                            "static void\nreset (void)\n{\n%s}\n\n",
                            source->body->str);
  g_string_truncate (source->body, 0);
}

static void
write_layers (EngMcuSource *source)
{
  const EngMcuProgram *p = source->program;

  write_flips (source, RT_VALUE_INPUT);
  for (RtNodeId n = 0; n < p->nodes->len; n++)
    {
      const EngMcuNode *node = &g_array_index (p->nodes, EngMcuNode, n);
      const gboolean is_inside = p->is_tiled && p->tiling.first <= n && n <= p->tiling.last;
      g_autofree char *function = g_strdup_printf ("layer_%u", n);

      write_constants (source, node);
      if (!is_inside)
        write_call (source, node, NULL, function);
      else if (n == p->tiling.last)
        write_patches (source);
    }
  write_moves (source);
  write_flips (source, RT_VALUE_OUTPUT);
  write_reset (source);
}

/* ---- inputs and outputs ---- */

static const char *
type_text (int type)
{
  switch (type)
    {
    case RT_TYPE_U8:
      return "MC_TYPE_U8";
    case RT_TYPE_I16:
      return "MC_TYPE_I16";
    case RT_TYPE_I32:
      return "MC_TYPE_I32";
    case RT_TYPE_F32:
      return "MC_TYPE_F32";
    default:
      return "MC_TYPE_I8";
    }
}

static guint
write_tensors (EngMcuSource *source, GString *to, const char *array, RtValueKind kind)
{
  const EngMcuProgram *p = source->program;
  guint n = 0;

  g_string_append_printf (to, "static const McTensor %s[] = {\n", array);
  for (RtValueId id = 0; id < rt_graph_n_values (p->graph); id++)
    {
      const RtValue *value = rt_graph_value (p->graph, id);
      if (value->kind != kind || p->offsets[id] == G_MAXUINT64)
        continue;
      g_autofree char *name = eng_mcu_literal (value->name);

      g_string_append_printf (to, "  { .name = %s,\n    .value = %u, .type = %s, .n_dims = %u,",
                              name, id, type_text (value->type), value->shape.n_dims);
      g_string_append (to, " .dims = {");
      for (guint d = 0; d < value->shape.n_dims; d++)
        g_string_append_printf (to, "%s %d", d > 0 ? "," : "", (int)value->shape.dims[d]);
      g_string_append_printf (to,
                              " },\n    .n_bytes = %" G_GUINT64_FORMAT
                              ", .data = AT (%" G_GUINT64_FORMAT ") },\n",
                              eng_mcu_value_bytes (value), p->offsets[id]);
      n++;
    }
  g_string_append (to, "};\n\n");
  return n;
}

static void
describe_tensors (const EngMcuProgram *p, GString *to, const char *what, RtValueKind kind)
{
  guint n = 0;

  for (RtValueId id = 0; id < rt_graph_n_values (p->graph); id++)
    {
      const RtValue *value = rt_graph_value (p->graph, id);
      char shape[128];
      if (value->kind != kind || p->offsets[id] == G_MAXUINT64)
        continue;
      g_autofree char *name = eng_mcu_comment (value->name);
      g_autofree char *scale = eng_mcu_f32 (rt_quant_scale (value->quant, 0));

      g_string_append_printf (to, " *   %s[%u] \"%s\": %s %s", what, n++, name,
                              rt_type_name (value->type),
                              rt_shape_text (&value->shape, shape, sizeof shape));
      if (value->quant != NULL)
        g_string_append_printf (to, ", a code q stands for (q - %d) * %s",
                                rt_quant_zero (value->quant, 0), scale);
      g_string_append_c (to, '\n');
    }
}

/* ---- files ---- */

static void
append_origin (GString *to, const EngMcuReport *report)
{
  g_autofree char *model = eng_mcu_comment (report->model),
                  *title = eng_mcu_comment (report->title);
  g_autofree char *run = eng_mcu_comment (report->run_id != NULL ? report->run_id : "none");

  g_string_append_printf (to,
                          "/* Generated by Lathe " LATHE_VERSION " from %s for %s.\n"
                          " *\n"
                          " *   build %s\n"
                          " *   run   %s\n",
                          model, title, report->build_hash, run);
}

static char *
make_header (const EngMcuProgram *p, const EngMcuReport *report)
{
  GString *h = g_string_new (NULL);

  append_origin (h, report);
  g_string_append (
      h, " *\n"
         " * Copy the inputs to where they lie before every run (they are used up), call\n"
         " * mc_network_run (&mc_network), read the outputs.\n"
         " *\n");
  describe_tensors (p, h, "inputs", RT_VALUE_INPUT);
  describe_tensors (p, h, "outputs", RT_VALUE_OUTPUT);
  g_string_append_printf (h,
                          " */\n"
                          "#pragma once\n\n"
                          "#include \"mc-network.h\"\n\n"
                          "#define NETWORK_ARENA_BYTES %" G_GUINT64_FORMAT "\n",
                          p->arena_bytes);
  return g_string_free (h, FALSE);
}

static void
append_network (EngMcuSource *source, GString *c, const EngMcuReport *report)
{
  const EngMcuProgram *p = source->program;
  g_autofree char *name = eng_mcu_literal (report->model);
  const guint n_inputs = write_tensors (source, c, "inputs", RT_VALUE_INPUT);
  const guint n_outputs = write_tensors (source, c, "outputs", RT_VALUE_OUTPUT);

  g_string_append_printf (c,
                          "const McNetwork mc_network = {\n"
                          "  .name = %s,\n"
                          "  .hash = \"%s\",\n"
                          "  .isa = \"%s\",\n"
                          "  .layers = layers,\n"
                          "  .n_layers = %u,\n"
                          "  .n_nodes = %u,\n"
                          "  .inputs = inputs,\n"
                          "  .outputs = outputs,\n"
                          "  .n_inputs = %u,\n"
                          "  .n_outputs = %u,\n"
                          "%s"
                          "  .arena = arena,\n"
                          "  .arena_bytes = sizeof arena,\n"
                          "  .weight_bytes = %" G_GUINT64_FORMAT ",\n"
                          "  .activation_bytes = %" G_GUINT64_FORMAT ",\n"
                          "  .scratch_bytes = %" G_GUINT64_FORMAT ",\n"
                          "};\n",
                          name, report->build_hash, report->isa, source->n_entries,
                          rt_graph_n_nodes (p->graph), n_inputs, n_outputs,
                          has_states (p) ? "  .reset = reset,\n" : "",
                          report->sizes[ENG_MCU_WEIGHTS].bytes, p->activation_bytes,
                          p->scratch_bytes);
}

static gboolean
has_unsigned (const EngMcuProgram *p)
{
  for (RtValueId id = 0; id < rt_graph_n_values (p->graph); id++)
    {
      const RtValue *value = rt_graph_value (p->graph, id);
      if (value->type == RT_TYPE_U8
          && (value->kind == RT_VALUE_INPUT || value->kind == RT_VALUE_OUTPUT))
        return TRUE;
    }
  return FALSE;
}

void
eng_mcu_source_make (const EngMcuProgram *p, const EngMcuReport *report, char **c_text,
                     char **h_text)
{
  EngMcuSource source = {
    .program = p,
    .constants = g_string_new (NULL),
    .functions = g_string_new (NULL),
    .body = g_string_new (NULL),
    .table = g_string_new (NULL),
    .structs = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free),
    .n_of_names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL),
  };
  GString *c = g_string_new (NULL);

  write_layers (&source);
  append_origin (c, report);
  g_string_append_printf (
      c,
      " *\n"
      " * Constants layer by layer, then a function per layer, then the tables. */\n"
      "#include \"network.h\"\n\n"
      "static _Alignas (16) uint8_t arena[NETWORK_ARENA_BYTES];\n"
      "#define AT(offset) ((void *)(arena + (offset)))\n"
      "%s\n/* ---- layers ---- */\n\n",
      source.constants->str);
  if (has_unsigned (p))
    g_string_append (c, "/* Unsigned codes to signed ones, and back. */\n"
                        "static void\n"
                        "flip (uint8_t *codes, int32_t n)\n"
                        "{\n"
                        "  for (int32_t i = 0; i < n; i++)\n"
                        "    codes[i] ^= 0x80;\n"
                        "}\n\n");
  g_string_append_printf (c, "%sstatic const McLayer layers[] = {\n%s};\n\n", source.functions->str,
                          source.table->str);
  append_network (&source, c, report);
  *c_text = g_string_free (c, FALSE);
  *h_text = make_header (p, report);

  g_string_free (source.constants, TRUE);
  g_string_free (source.functions, TRUE);
  g_string_free (source.body, TRUE);
  g_string_free (source.table, TRUE);
  g_hash_table_unref (source.structs);
  g_hash_table_unref (source.n_of_names);
}
