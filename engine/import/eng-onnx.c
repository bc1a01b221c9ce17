/* The ONNX importer: walks the nodes of a file in order, finds each in the table of operators
 * (eng-onnx-list.c) and lets its emit function add to the graph. Called through eng_format_onnx and
 * by the tests. What an operator means is in the eng-onnx-*.c of its kind. */
#include "eng-onnx.h"

#include "eng-error.h"
#include "eng-formats.h"
#include "eng-onnx-importer.h"
#include "eng-onnx-inputs.h"

#include <string.h>

/* ---- nodes ---- */

static gboolean
is_named (const char *name)
{
  return name != NULL && name[0] != '\0';
}

/* What version of @domain the node means. */
static gint64
opset_of (EngOnnxNode *node, const char *domain)
{
  /* Of nodes that eng-onnx-qdq.c makes. */
  if (node->quiet && strcmp (domain, "com.microsoft") == 0)
    return 1;
  return eng_onnx_file_opset (node->importer->file, domain);
}

/* Inputs by name; trailing absent ones are left out. */
static RtValueId *
find_inputs (EngOnnxNode *node)
{
  const Onnx__NodeProto *proto = node->proto;
  RtValueId *inputs = g_new (RtValueId, proto->n_input + 1);

  node->n_inputs = 0;
  for (gsize i = 0; i < proto->n_input; i++)
    {
      inputs[i] = RT_NONE;
      if (!is_named (proto->input[i]))
        continue;
      node->n_inputs = (guint)i + 1;
      inputs[i] = eng_import_find (node->importer->import, proto->input[i]);
      const char *why = g_hash_table_lookup (node->importer->missing, proto->input[i]);
      if (inputs[i] == RT_NONE && why != NULL)
        eng_onnx_refuse (node, "its input '%s' %s", proto->input[i], why);
      else if (inputs[i] == RT_NONE
               && g_hash_table_contains (node->importer->lost, proto->input[i]))
        node->is_cut = TRUE;
      else if (inputs[i] == RT_NONE && eng_import_is_lost (node->importer->import, proto->input[i]))
        eng_onnx_refuse (node, "its input '%s' comes from a node that is not supported",
                         proto->input[i]);
      else if (inputs[i] == RT_NONE)
        eng_onnx_refuse (node, "its input '%s' is not made by any node before it", proto->input[i]);
    }
  return inputs;
}

static gboolean
find_op (EngOnnxNode *node)
{
  const Onnx__NodeProto *proto = node->proto;
  const char *domain = is_named (proto->domain) ? proto->domain : "";
  gboolean known = FALSE;

  node->opset = opset_of (node, domain);
  if (node->opset == 0)
    return eng_onnx_refuse (node, "the file does not say which version of '%s' it means", domain);
  node->op = eng_onnx_op_find (domain, is_named (proto->op_type) ? proto->op_type : "", node->opset,
                               &known);
  if (node->op != NULL)
    return TRUE;
  if (known)
    return eng_onnx_refuse (node,
                            "its form of opset %" G_GINT64_FORMAT
                            " is not supported (the importer knows opset %d to %d)",
                            node->opset, ENG_ONNX_MIN_OPSET, ENG_ONNX_MAX_OPSET);
  if (domain[0] != '\0' && strcmp (domain, "ai.onnx") != 0)
    return eng_onnx_refuse (node, "this operator of '%s' is not supported", domain);
  return eng_onnx_refuse (node, "this operator is not supported");
}

static gboolean
check_inputs (EngOnnxNode *node)
{
  if (!eng_onnx_ok (node))
    return FALSE;
  if (node->n_inputs < node->op->min_inputs || node->n_inputs > node->op->max_inputs)
    return eng_onnx_refuse (node, "%u inputs, expected %u to %u", node->n_inputs,
                            node->op->min_inputs, node->op->max_inputs);
  for (guint i = 0; i < node->op->min_inputs; i++)
    if (node->inputs[i] == RT_NONE)
      return eng_onnx_refuse (node, "input %u is missing", i + 1);
  return TRUE;
}

/* Outputs that something reads must have been made. */
static gboolean
bind_outputs (EngOnnxNode *node)
{
  EngOnnxImporter *im = node->importer;

  for (guint i = 0; i < node->n_outputs && eng_onnx_ok (node); i++)
    {
      const char *name = node->proto->output[i];
      if (node->outputs[i] == RT_NONE && is_named (name) && g_hash_table_contains (im->used, name))
        eng_onnx_refuse (node, "its output %u ('%s') is not supported", i + 1, name);
    }
  if (!eng_onnx_ok (node))
    return FALSE;
  for (guint i = 0; i < node->n_outputs; i++)
    if (node->outputs[i] != RT_NONE && is_named (node->proto->output[i]))
      eng_import_bind (im->import, node->proto->output[i], node->outputs[i]);
  return TRUE;
}

static void
begin (const EngOnnxNode *node)
{
  eng_import_begin_node (node->importer->import, node->proto->name != NULL ? node->proto->name : "",
                         node->title, node->place - 1);
}

/* One line for all nodes that follow on those that are not supported. */
static void
count_cut (EngOnnxNode *node)
{
  EngOnnxImporter *im = node->importer;

  if (im->n_cut++ == 0)
    im->first_cut = g_strdup_printf ("“%s” (operator %s, number %u of the file)",
                                     node->name[0] != '\0' ? node->name : node->title, node->title,
                                     node->place);
}

static void
report_unsupported (EngOnnxNode *node)
{
  EngOnnxImporter *im = node->importer;
  guint n = node->n_outputs;
  g_autofree RtShape *shapes = g_new0 (RtShape, n + 1);
  g_autofree const RtShape **known = g_new0 (const RtShape *, n + 1);
  g_autofree int *types = g_new0 (int, n + 1);

  for (guint i = 0; i < n; i++)
    if (is_named (node->proto->output[i])
        && eng_onnx_declared (im, node->proto->output[i], &types[i], &shapes[i]))
      known[i] = &shapes[i];
    else
      types[i] = RT_TYPE_F32;
  begin (node);
  /* Asked for once more: what unsupported nodes made keeps its lines. */
  for (gsize i = 0; i < node->proto->n_input; i++)
    eng_import_find (im->import, node->proto->input[i]);
  if (node->reason != NULL)
    {
      im->n_unsupported++;
      eng_import_refuse (im->import, "%s", node->reason);
      eng_import_unsupported (im->import, node->inputs, node->n_inputs,
                              (const char *const *)node->proto->output, known, types, n);
    }
  else
    {
      count_cut (node);
      eng_import_placeholder (im->import, node->inputs, node->n_inputs,
                              (const char *const *)node->proto->output, known, types, n);
    }
  for (guint i = 0; i < n; i++)
    if (is_named (node->proto->output[i])
        && eng_import_find (im->import, node->proto->output[i]) == RT_NONE)
      g_hash_table_add (im->lost, node->proto->output[i]);
}

/* Whether @node, of which what it stands for is set, is in the graph now. */
static gboolean
run_node (EngOnnxNode *node)
{
  const Onnx__NodeProto *proto = node->proto;
  g_autofree RtValueId *inputs = NULL;
  g_autofree RtValueId *outputs = g_new (RtValueId, proto->n_output + 1);
  gboolean ok;

  for (gsize i = 0; i < proto->n_output; i++)
    outputs[i] = RT_NONE;
  node->outputs = outputs;
  node->n_outputs = (guint)proto->n_output;
  node->name = is_named (proto->name) ? proto->name : "";
  begin (node);
  node->inputs = inputs = find_inputs (node);
  ok = eng_onnx_ok (node) && find_op (node) && !node->is_cut && check_inputs (node)
       && (node->op->emit (node)
           || (eng_onnx_ok (node) && !node->is_cut
               && eng_onnx_refuse (node, "this form of it is not supported")))
       && bind_outputs (node);
  if (!ok && !node->quiet)
    report_unsupported (node);
  else if (!ok)
    g_debug ("%s: stays in real numbers: %s", node->name, node->reason);
  g_free (node->reason);
  node->inputs = node->outputs = NULL;
  return ok;
}

gboolean
eng_onnx_try_node (EngOnnxImporter *im, const Onnx__NodeProto *proto, const char *op, guint place,
                   float low, float high)
{
  EngOnnxNode node = { .importer = im,
                       .proto = proto,
                       .place = place,
                       .title = op,
                       .low = low,
                       .high = high,
                       .quiet = TRUE };

  return run_node (&node);
}

static void
emit_node (EngOnnxImporter *im, const Onnx__NodeProto *proto, guint place)
{
  EngOnnxNode node = { .importer = im,
                       .proto = proto,
                       .place = place,
                       .title = proto->op_type != NULL ? proto->op_type : "" };

  if (im->depth == 0
      && (g_hash_table_contains (im->done, proto) || eng_onnx_qdq_emit (im, proto, place)))
    return;
  run_node (&node);
}

static gboolean
emit_nodes (EngOnnxImporter *im, const Onnx__GraphProto *graph, guint place, GError **error)
{
  for (gsize i = 0; i < graph->n_node; i++)
    {
      if (g_cancellable_set_error_if_cancelled (im->cancellable, error))
        return FALSE;
      emit_node (im, graph->node[i], place > 0 ? place : (guint)i + 1);
    }
  return TRUE;
}

/* ---- names ---- */

static void
add_infos (EngOnnxImporter *im, Onnx__ValueInfoProto **infos, gsize n)
{
  for (gsize i = 0; i < n; i++)
    if (is_named (infos[i]->name))
      g_hash_table_insert (im->infos, infos[i]->name, infos[i]);
}

/* Names that are read, those in subgraphs among them. */
static void
collect_names (EngOnnxImporter *im, const Onnx__GraphProto *graph)
{
  add_infos (im, graph->value_info, graph->n_value_info);
  add_infos (im, graph->output, graph->n_output);
  for (gsize i = 0; i < graph->n_output; i++)
    if (is_named (graph->output[i]->name))
      g_hash_table_add (im->used, graph->output[i]->name);
  for (gsize i = 0; i < graph->n_node; i++)
    {
      const Onnx__NodeProto *node = graph->node[i];
      for (gsize k = 0; k < node->n_input; k++)
        if (is_named (node->input[k]))
          g_hash_table_add (im->used, node->input[k]);
      for (gsize k = 0; k < node->n_attribute; k++)
        if (node->attribute[k]->g != NULL)
          collect_names (im, node->attribute[k]->g);
    }
}

/* Not for a reason of its own. */
static gboolean
cut (EngOnnxNode *node)
{
  node->is_cut = TRUE;
  return FALSE;
}

gboolean
eng_onnx_emit_subgraph (EngOnnxNode *node, const Onnx__GraphProto *graph, RtValueId *outputs,
                        guint n_outputs)
{
  EngOnnxImporter *im = node->importer;
  g_autoptr (GError) error = NULL;

  if (graph->n_output != n_outputs)
    return eng_onnx_refuse (node, "its branch has %" G_GSIZE_FORMAT " outputs, expected %u",
                            graph->n_output, n_outputs);
  im->depth++;
  gboolean ok = eng_onnx_add_initializers (im, graph, &error)
                && emit_nodes (im, graph, node->place, &error);
  im->depth--;
  if (!ok)
    return eng_onnx_refuse (node, "%s", error->message);
  begin (node);
  for (guint i = 0; i < n_outputs; i++)
    {
      const char *name = graph->output[i]->name;
      outputs[i] = is_named (name) ? eng_import_find (im->import, name) : RT_NONE;
      if (outputs[i] == RT_NONE)
        return is_named (name) && g_hash_table_contains (im->lost, name)
                   ? cut (node)
                   : eng_onnx_refuse (node, "output '%s' of its branch is not made",
                                      name != NULL ? name : "");
    }
  return TRUE;
}

/* ---- the whole ---- */

static void
report_opset (EngOnnxImporter *im)
{
  gint64 opset = eng_onnx_file_opset (im->file, "");

  if (opset != 0 && (opset < ENG_ONNX_MIN_OPSET || opset > ENG_ONNX_MAX_OPSET))
    g_debug ("opset %" G_GINT64_FORMAT " is outside of %d to %d", opset, ENG_ONNX_MIN_OPSET,
             ENG_ONNX_MAX_OPSET);
}

/* Much that is refused depends on sizes that the file leaves open. */
static void
report_sizes (EngOnnxImporter *im)
{
  g_autoptr (GString) sizes = g_string_new (NULL);

  for (guint i = 0; i < im->dims->len && i < 16; i++)
    g_string_append_printf (sizes, "%s%s", i > 0 ? ", " : "", (const char *)im->dims->pdata[i]);
  if (im->dims->len > 0)
    eng_import_report (im->import,
                       "Open dimensions were taken as %s; \"dims\" in a card beside the file gives "
                       "other sizes",
                       sizes->str);
}

static void
add_outputs (EngOnnxImporter *im, const Onnx__GraphProto *graph)
{
  if (im->n_cut > 0)
    eng_import_report (im->import, "%u further %s what those do not make; the first is %s",
                       im->n_cut, im->n_cut == 1 ? "node reads" : "nodes read", im->first_cut);
  for (gsize i = 0; i < graph->n_output; i++)
    {
      const char *name = graph->output[i]->name;
      if (!is_named (name) || !eng_import_output (im->import, name))
        eng_import_report (im->import, "output '%s': no node makes it, or none that is supported",
                           name != NULL ? name : "");
    }
  if (im->n_unsupported > 0)
    report_sizes (im);
}

static const char *
metadata (const Onnx__ModelProto *model, const char *key)
{
  for (gsize i = 0; i < model->n_metadata_props; i++)
    if (g_strcmp0 (model->metadata_props[i]->key, key) == 0)
      return model->metadata_props[i]->value;
  return NULL;
}

static char *
dup_text (const char *text)
{
  return is_named (text) ? g_utf8_make_valid (text, -1) : NULL;
}

static void
describe (EngOnnxImporter *im, const Onnx__ModelProto *model, EngImported *imported)
{
  imported->format
      = g_strdup_printf ("ONNX, opset %" G_GINT64_FORMAT, eng_onnx_file_opset (im->file, ""));
  imported->name = dup_text (model->graph->name);
  imported->producer
      = is_named (model->producer_name) && is_named (model->producer_version)
            ? g_strdup_printf ("%s %s", model->producer_name, model->producer_version)
            : dup_text (model->producer_name);
  imported->description = dup_text (model->doc_string);
  imported->licence = dup_text (metadata (model, "license"));
  imported->n_source_nodes = im->n_nodes;
  g_ptr_array_add (im->dims, NULL);
  imported->dims = (char **)g_ptr_array_free (g_steal_pointer (&im->dims), FALSE);
}

static EngImported *
finish (EngOnnxImporter *im, const Onnx__ModelProto *model, GError **error)
{
  /* Described first: finishing hands the file over. */
  g_autofree EngImported *about = g_new0 (EngImported, 1);
  describe (im, model, about);
  GBytes *backing = g_bytes_new_with_free_func ("", 0, (GDestroyNotify)eng_onnx_file_free,
                                                g_steal_pointer (&im->file));
  EngImported *imported = eng_import_finish (im->import, backing, error);

  if (imported == NULL)
    {
      g_free (about->format);
      g_free (about->name);
      g_free (about->producer);
      g_free (about->description);
      g_free (about->licence);
      g_strfreev (about->dims);
      return NULL;
    }
  imported->format = about->format;
  imported->name = about->name;
  imported->producer = about->producer;
  imported->description = about->description;
  imported->licence = about->licence;
  imported->n_source_nodes = about->n_source_nodes;
  g_strfreev (imported->dims);
  imported->dims = about->dims;
  return imported;
}

static void
clear (EngOnnxImporter *im)
{
  eng_onnx_file_free (im->file);
  eng_import_free (im->import);
  g_hash_table_unref (im->infos);
  g_hash_table_unref (im->used);
  g_hash_table_unref (im->missing);
  g_hash_table_unref (im->sizes);
  g_hash_table_unref (im->lost);
  g_free (im->first_cut);
  g_hash_table_unref (im->makers);
  g_hash_table_unref (im->readers);
  g_hash_table_unref (im->done);
  if (im->dims != NULL)
    g_ptr_array_unref (im->dims);
}

EngImported *
eng_onnx_import (EngOnnxFile *file, const EngOnnxOptions *options, GCancellable *cancellable,
                 GError **error)
{
  const Onnx__ModelProto *model = eng_onnx_file_model (file);
  const Onnx__GraphProto *graph = model->graph;
  EngOnnxImporter im = {
    .file = file,
    .import = eng_import_new (),
    .options = options != NULL ? *options : (EngOnnxOptions){ 0 },
    .cancellable = cancellable,
    .infos = g_hash_table_new (g_str_hash, g_str_equal),
    .used = g_hash_table_new (g_str_hash, g_str_equal),
    .missing = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free),
    .sizes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free),
    .dims = g_ptr_array_new_with_free_func (g_free),
    .lost = g_hash_table_new (g_str_hash, g_str_equal),
    .makers = g_hash_table_new (g_str_hash, g_str_equal),
    .readers = g_hash_table_new (g_str_hash, g_str_equal),
    .done = g_hash_table_new (NULL, NULL),
    .n_nodes = (guint)graph->n_node,
  };
  EngImported *imported = NULL;

  report_opset (&im);
  collect_names (&im, graph);
  eng_onnx_qdq_prepare (&im, graph);
  if (eng_onnx_add_initializers (&im, graph, error))
    {
      eng_onnx_add_inputs (&im, graph);
      if (emit_nodes (&im, graph, 0, error))
        {
          add_outputs (&im, graph);
          imported = finish (&im, model, error);
        }
    }
  clear (&im);
  return imported;
}

/* ---- the row of the table of formats ---- */

/* A protobuf message that begins with the version of the format, a small number: field 1, or with
 * a text field of the producer's. Nothing else of the formats here begins so. */
static gboolean
sniff (const guint8 *head, gsize n)
{
  return n >= 4 && head[0] == 0x08 && head[1] > 0 && head[1] < 32
         && (head[2] == 0x12 || head[2] == 0x1a || head[2] == 0x22 || head[2] == 0x28
             || head[2] == 0x32 || head[2] == 0x3a || head[2] == 0x42);
}

static EngImported *
load (const char *path, const EngDimSize *dims, guint n_dims, GCancellable *cancellable,
      GError **error)
{
  EngOnnxFile *file = eng_onnx_file_load (path, error);
  EngOnnxOptions options = { .dims = dims, .n_dims = n_dims };

  if (file == NULL)
    return NULL;
  EngImported *imported = eng_onnx_import (file, &options, cancellable, error);
  if (imported == NULL)
    g_prefix_error (error, "%s: ", path);
  return imported;
}

const EngFormat eng_format_onnx = {
  .id = "onnx",
  .title = "ONNX",
  .suffixes = (const char *const[]){ "onnx", NULL },
  .sniff = sniff,
  .load = load,
};
