/* A profile from and to JSON: part of a run's document in the history and in exports. Times are
 * whole nanoseconds. */
#include "eng-profile-private.h"

#include <math.h>

#include "eng-error.h"
#include "eng-json.h"

#define MAX_NODES 1000000
#define MAX_LAYERS 100000

static const char *const cost_names[ENG_N_PHASES]
    = { "prefill_cost", "decode_cost", "inference_cost" };
static const char *const phase_names[ENG_N_PHASES] = { "prefill", "decode", "inference" };

/* ---- Writing ---- */

static void
add_ns (JsonBuilder *builder, const char *name, double ns)
{
  if (isfinite (ns))
    eng_json_add_int (builder, name, (gint64)llround (ns));
}

/* Sizes that differ from input to input, by name; those that are not known are left out. */
static const char *const symbol_names[RT_N_SYMBOLS]
    = { "tokens", "outputs", "height_px", "width_px", "samples" };

static void
write_symbols (JsonBuilder *builder, const int64_t *symbols)
{
  for (guint i = 2; i < RT_N_SYMBOLS; i++)
    if (symbols[i] > 0)
      eng_json_add_int (builder, symbol_names[i], symbols[i]);
}

static void
write_latency (JsonBuilder *builder, const char *name, const EngLatency *latency)
{
  if (latency->n == 0)
    return;
  json_builder_set_member_name (builder, name);
  json_builder_begin_object (builder);
  eng_json_add_int (builder, "n", latency->n);
  add_ns (builder, "median_ns", latency->median_ns);
  add_ns (builder, "p5_ns", latency->p5_ns);
  add_ns (builder, "p95_ns", latency->p95_ns);
  add_ns (builder, "last_ns", latency->last_ns);
  add_ns (builder, "low95_ns", latency->low_ns);
  add_ns (builder, "high95_ns", latency->high_ns);
  json_builder_end_object (builder);
}

static void
write_memory (JsonBuilder *builder, const EngLayerMemory *memory)
{
  eng_json_add_int (builder, "weight_bytes", (gint64)memory->weight_bytes);
  eng_json_add_int (builder, "activation_bytes", (gint64)memory->activation_bytes);
  eng_json_add_int (builder, "kv_bytes", (gint64)memory->kv_bytes);
}

static void
write_cost (JsonBuilder *builder, const char *name, const RtCost *cost)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_object (builder);
  eng_json_add_int (builder, "flops", (gint64)cost->flops);
  eng_json_add_int (builder, "weight_bytes", (gint64)cost->weight_bytes);
  eng_json_add_int (builder, "read_bytes", (gint64)cost->read_bytes);
  eng_json_add_int (builder, "write_bytes", (gint64)cost->write_bytes);
  json_builder_end_object (builder);
}

static void
write_node (EngProfile *profile, guint i, JsonBuilder *builder)
{

  const EngProfileInfo *info = profile->info;

  json_builder_begin_object (builder);
  eng_json_add_string (builder, "name", info->names[i]);
  eng_json_add_string (builder, "operator", info->ops[i]);
  eng_json_add_int (builder, "layer", info->layers[i]);
  eng_json_add_strv (builder, "sources", (const char *const *)info->sources[i]);
  if (info->arithmetics[i] != ENG_ARITHMETIC_UNKNOWN)
    eng_json_add_string (builder, "arithmetic", eng_arithmetic_name (info->arithmetics[i]));
  if (info->signatures[i] != NULL)
    eng_json_add_string (builder, "signature", info->signatures[i]);
  write_memory (builder, &info->node_memory[i]);
  for (guint p = 0; p < ENG_N_PHASES; p++)
    {
      write_latency (builder, phase_names[p], &profile->phases[p].nodes[i]);
      if (profile->phases[p].nodes[i].n > 0)
        write_cost (builder, cost_names[p], &profile->costs[p][i]);
    }
  eng_counts_write_node (&profile->counts, i, builder);
  eng_profile_write_skipped (profile, i, builder);
  json_builder_end_object (builder);
}

static void
write_layer (EngProfile *profile, int index, JsonBuilder *builder)
{
  json_builder_begin_object (builder);
  eng_json_add_int (builder, "layer", index - 1);
  if (profile->info->layer_names[index] != NULL)
    eng_json_add_string (builder, "name", profile->info->layer_names[index]);
  write_memory (builder, &profile->info->layer_memory[index]);
  for (guint p = 0; p < ENG_N_PHASES; p++)
    write_latency (builder, phase_names[p], &profile->phases[p].layers[index]);
  json_builder_end_object (builder);
}

void
eng_profile_write (EngProfile *profile, JsonBuilder *builder, const char *name)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_object (builder);
  eng_json_add_int (builder, "n_layers", profile->info->n_layers);
  eng_json_add_int (builder, "lost_records", (gint64)profile->n_lost);
  for (guint p = 0; p < ENG_N_PHASES; p++)
    {
      json_builder_set_member_name (builder, phase_names[p]);
      json_builder_begin_object (builder);
      eng_json_add_int (builder, "tokens_per_step", profile->phases[p].n_tokens);
      eng_json_add_int (builder, "position", profile->phases[p].position);
      write_symbols (builder, profile->phases[p].symbols);
      write_latency (builder, "sum_of_nodes", &profile->phases[p].total);
      write_latency (builder, "clean", &profile->phases[p].clean);
      json_builder_end_object (builder);
    }
  eng_counts_write (&profile->counts, builder);
  json_builder_set_member_name (builder, "layers");
  json_builder_begin_array (builder);
  for (int i = 0; i < profile->info->n_layers + 2; i++)
    write_layer (profile, i, builder);
  json_builder_end_array (builder);
  json_builder_set_member_name (builder, "nodes");
  json_builder_begin_array (builder);
  for (guint i = 0; i < profile->info->n_nodes; i++)
    write_node (profile, i, builder);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
}

/* ---- Reading ---- */

static guint64
get_bytes (JsonObject *object, const char *name)
{
  return (guint64)MAX (eng_json_get_int (object, name, 0), 0);
}

static void
read_symbols (JsonObject *phase, int64_t *symbols)
{
  for (guint i = 2; i < RT_N_SYMBOLS; i++)
    symbols[i] = CLAMP (eng_json_get_int (phase, symbol_names[i], 0), 0, G_MAXINT);
}

static void
read_latency (JsonObject *parent, const char *name, EngLatency *latency)
{
  JsonObject *object = eng_json_get_object (parent, name);
  if (object == NULL)
    return;
  latency->n = (guint)CLAMP (eng_json_get_int (object, "n", 0), 0, G_MAXINT);
  latency->median_ns = eng_json_get_double (object, "median_ns");
  latency->p5_ns = eng_json_get_double (object, "p5_ns");
  latency->p95_ns = eng_json_get_double (object, "p95_ns");
  latency->last_ns = eng_json_get_double (object, "last_ns");
  latency->low_ns = eng_json_get_double (object, "low95_ns");
  latency->high_ns = eng_json_get_double (object, "high95_ns");
  if (isnan (latency->median_ns))
    latency->n = 0;
}

static void
read_memory (JsonObject *object, EngLayerMemory *memory)
{
  memory->weight_bytes = get_bytes (object, "weight_bytes");
  memory->activation_bytes = get_bytes (object, "activation_bytes");
  memory->kv_bytes = get_bytes (object, "kv_bytes");
}

static void
read_cost (JsonObject *parent, const char *name, RtCost *cost)
{
  JsonObject *object = eng_json_get_object (parent, name);
  if (object == NULL)
    return;
  cost->flops = get_bytes (object, "flops");
  cost->weight_bytes = get_bytes (object, "weight_bytes");
  cost->read_bytes = get_bytes (object, "read_bytes");
  cost->write_bytes = get_bytes (object, "write_bytes");
}

static void
read_node (EngProfile *profile, guint i, JsonObject *object)
{
  EngProfileInfo *info = profile->info;
  const char *name = eng_json_get_string (object, "name");
  const char *op = eng_json_get_string (object, "operator");
  const char *arithmetic = eng_json_get_string (object, "arithmetic");

  info->names[i] = g_strdup (name != NULL ? name : "");
  info->ops[i] = g_strdup (op != NULL ? op : "");
  info->layers[i] = (int)CLAMP (eng_json_get_int (object, "layer", -1), -1, info->n_layers);
  info->sources[i] = eng_json_dup_strv (object, "sources");
  for (guint k = ENG_ARITHMETIC_UNKNOWN; k <= ENG_ARITHMETIC_INT8; k++)
    if (g_strcmp0 (arithmetic, eng_arithmetic_name (k)) == 0)
      info->arithmetics[i] = k;
  info->signatures[i] = g_intern_string (eng_json_get_string (object, "signature"));
  read_memory (object, &info->node_memory[i]);
  for (guint p = 0; p < ENG_N_PHASES; p++)
    {
      read_latency (object, phase_names[p], &profile->phases[p].nodes[i]);
      read_cost (object, cost_names[p], &profile->costs[p][i]);
    }
  eng_counts_read_node (&profile->counts, i, object);
  eng_profile_read_skipped (profile, i, object);
}

static gboolean
all_objects (JsonArray *array)
{
  for (guint i = 0; i < json_array_get_length (array); i++)
    if (!JSON_NODE_HOLDS_OBJECT (json_array_get_element (array, i)))
      return FALSE;
  return TRUE;
}

EngProfile *
eng_profile_read (JsonObject *object, GError **error)
{
  JsonArray *nodes = eng_json_get_array (object, "nodes");
  JsonArray *layers = eng_json_get_array (object, "layers");
  gint64 n_layers = eng_json_get_int (object, "n_layers", -1);

  if (nodes == NULL || layers == NULL || n_layers < 0 || n_layers > MAX_LAYERS
      || json_array_get_length (nodes) > MAX_NODES || json_array_get_length (layers) != n_layers + 2
      || !all_objects (nodes) || !all_objects (layers))
    {
      g_set_error_literal (
          error, ENG_ERROR, ENG_ERROR_FORMAT,
          "The run's profile lacks its lists of nodes and layers, or they do not fit each other");
      return NULL;
    }

  g_autoptr (EngProfileInfo) info
      = eng_profile_info_new (json_array_get_length (nodes), (int)n_layers);
  EngProfile *profile = eng_profile_new (info);
  profile->n_lost = get_bytes (object, "lost_records");
  for (guint p = 0; p < ENG_N_PHASES; p++)
    {
      JsonObject *phase = eng_json_get_object (object, phase_names[p]);
      if (phase == NULL)
        continue;
      profile->phases[p].n_tokens
          = (guint)CLAMP (eng_json_get_int (phase, "tokens_per_step", 0), 0, G_MAXINT);
      profile->phases[p].position
          = (guint)CLAMP (eng_json_get_int (phase, "position", 0), 0, G_MAXINT);
      read_symbols (phase, profile->phases[p].symbols);
      read_latency (phase, "sum_of_nodes", &profile->phases[p].total);
      read_latency (phase, "clean", &profile->phases[p].clean);
    }
  for (guint i = 0; i < json_array_get_length (layers); i++)
    {
      JsonObject *layer = json_array_get_object_element (layers, i);
      read_memory (layer, &info->layer_memory[i]);
      info->layer_names[i] = g_strdup (eng_json_get_string (layer, "name"));
      for (guint p = 0; p < ENG_N_PHASES; p++)
        read_latency (layer, phase_names[p], &profile->phases[p].layers[i]);
    }
  eng_counts_read (&profile->counts, object);
  for (guint i = 0; i < info->n_nodes; i++)
    read_node (profile, i, json_array_get_object_element (nodes, i));
  return profile;
}
