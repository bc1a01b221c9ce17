/* What a network takes on a board, as numbers with definitions, as lines and as JSON. Filled by the
 * plan and, after linking, by the ELF file; knows neither. */
#include "eng-mcu-private.h"

#include <string.h>

#include "eng-json.h"

static const struct
{
  const char *name, *definition;
} kinds[ENG_MCU_N_SIZES] = {
  [ENG_MCU_WEIGHTS] = { "weights", "constants of the network in flash: weights with their padding, "
                                   "biases, scales, tables" },
  [ENG_MCU_CODE]
  = { "code", "everything else in flash: kernels, generated calls and their structs, "
              "board support, start values of static data" },
  [ENG_MCU_FLASH] = { "flash", "all that is programmed into flash: weights and code" },
  [ENG_MCU_ARENA]
  = { "arena", "activations and the kernels' scratch, the most that is alive at once" },
  [ENG_MCU_STATIC]
  = { "static", "static data in RAM besides the arena: board support, profile ring" },
  [ENG_MCU_STACK] = { "stack", "reserved for the stack" },
  [ENG_MCU_RAM] = { "ram", "arena, static data and stack" },
};

const char *
eng_mcu_size_name (EngMcuSizeKind kind)
{
  g_return_val_if_fail (kind < ENG_MCU_N_SIZES, NULL);
  return kinds[kind].name;
}

const char *
eng_mcu_size_definition (EngMcuSizeKind kind)
{
  g_return_val_if_fail (kind < ENG_MCU_N_SIZES, NULL);
  return kinds[kind].definition;
}

const char *
eng_mcu_origin_name (EngMcuOrigin origin)
{
  switch (origin)
    {
    case ENG_MCU_ESTIMATED:
      return "estimate";
    case ENG_MCU_PLANNED:
      return "plan";
    case ENG_MCU_LINKED:
      return "linked";
    case ENG_MCU_UNKNOWN:
      break;
    }
  return "unknown";
}

EngMcuReport *
eng_mcu_report_ref (EngMcuReport *report)
{
  g_atomic_ref_count_inc (&report->ref_count);
  return report;
}

void
eng_mcu_report_unref (EngMcuReport *report)
{
  if (report == NULL || !g_atomic_ref_count_dec (&report->ref_count))
    return;
  g_free (report->board);
  g_free (report->title);
  g_free (report->isa);
  g_free (report->model);
  g_free (report->build_hash);
  g_free (report->run_id);
  g_free (report->peak_layer);
  g_clear_pointer (&report->layers, g_ptr_array_unref);
  g_clear_pointer (&report->patches, g_ptr_array_unref);
  g_free (report);
}

/* 0: has none. */
static guint64
limit_of (const EngMcuReport *report, EngMcuSizeKind kind)
{
  return kind == ENG_MCU_FLASH ? report->flash_limit : kind == ENG_MCU_RAM ? report->ram_limit : 0;
}

gboolean
eng_mcu_report_fits (const EngMcuReport *report)
{
  for (guint i = 0; i < ENG_MCU_N_SIZES; i++)
    {
      const guint64 limit = limit_of (report, (EngMcuSizeKind)i);
      if (limit > 0 && report->sizes[i].bytes > limit)
        return FALSE;
    }
  return TRUE;
}

/* ---- lines ---- */

static const EngMcuPatches *
chosen (const EngMcuReport *report)
{
  for (guint i = 0; report->patches != NULL && i < report->patches->len; i++)
    {
      const EngMcuPatches *patches = g_ptr_array_index (report->patches, i);
      if (patches->is_chosen)
        return patches;
    }
  return NULL;
}

char *
eng_mcu_report_dup_patches (const EngMcuReport *report)
{
  const EngMcuPatches *p = chosen (report);

  if (p == NULL || p->until == NULL)
    return NULL;
  return g_strdup_printf ("the first %u layers are computed in %u x %u patches: %.1f %% more "
                          "multiply-adds",
                          p->n_nodes, p->rows, p->columns,
                          100.0 * (double)p->extra_macs / (double)MAX (p->macs - p->extra_macs, 1));
}

char *
eng_mcu_report_to_text (const EngMcuReport *report)
{
  GString *text = g_string_new (NULL);
  const EngMcuPatches *patches = chosen (report);
  g_autofree char *peak = eng_mcu_short_name (report->peak_layer);

  g_string_append_printf (text, "%s for %s, %s kernels\n", report->model, report->title,
                          report->isa);
  for (guint i = 0; i < ENG_MCU_N_SIZES; i++)
    {
      const EngMcuSize *size = &report->sizes[i];
      const guint64 limit = limit_of (report, (EngMcuSizeKind)i);

      if (size->origin == ENG_MCU_UNKNOWN)
        continue;
      g_string_append_printf (text, "  %-8s %9" G_GUINT64_FORMAT " bytes", kinds[i].name,
                              size->bytes);
      if (limit > 0)
        g_string_append_printf (text, " of %" G_GUINT64_FORMAT "%s", limit,
                                size->bytes > limit ? ", does not fit" : "");
      g_string_append_printf (text, "  (%s) %s\n", eng_mcu_origin_name (size->origin),
                              kinds[i].definition);
    }
  g_string_append_printf (text, "  The arena is fullest at %s.\n", peak);
  if (patches != NULL && patches->until != NULL)
    {
      g_autofree char *until = eng_mcu_short_name (patches->until);
      const guint64 plain = patches->macs - patches->extra_macs;

      g_string_append_printf (text,
                              "  The first %u layers, to %s, run in %u x %u patches: "
                              "%" G_GUINT64_FORMAT " multiply-adds more of %" G_GUINT64_FORMAT
                              " (%.1f %%).\n",
                              patches->n_nodes, until, patches->rows, patches->columns,
                              patches->extra_macs, plain,
                              100.0 * (double)patches->extra_macs / (double)MAX (plain, 1));
    }
  return g_string_free (text, FALSE);
}

/* ---- JSON ---- */

static void
add_sizes (JsonBuilder *b, const EngMcuReport *report)
{
  json_builder_set_member_name (b, "sizes");
  json_builder_begin_object (b);
  for (guint i = 0; i < ENG_MCU_N_SIZES; i++)
    {
      const guint64 limit = limit_of (report, (EngMcuSizeKind)i);

      if (report->sizes[i].origin == ENG_MCU_UNKNOWN)
        continue;
      json_builder_set_member_name (b, kinds[i].name);
      json_builder_begin_object (b);
      eng_json_add_int (b, "bytes", (gint64)report->sizes[i].bytes);
      if (limit > 0)
        eng_json_add_int (b, "limit_bytes", (gint64)limit);
      eng_json_add_string (b, "origin", eng_mcu_origin_name (report->sizes[i].origin));
      eng_json_add_string (b, "definition", kinds[i].definition);
      json_builder_end_object (b);
    }
  json_builder_end_object (b);
}

static void
add_layers (JsonBuilder *b, const EngMcuReport *report)
{
  json_builder_set_member_name (b, "layers");
  json_builder_begin_array (b);
  for (guint i = 0; i < report->layers->len; i++)
    {
      const EngMcuLayer *layer = g_ptr_array_index (report->layers, i);

      json_builder_begin_object (b);
      eng_json_add_string (b, "name", layer->name);
      eng_json_add_int (b, "node", layer->node);
      eng_json_add_string (b, "operator", layer->op);
      eng_json_add_int (b, "live_bytes", (gint64)layer->live_bytes);
      eng_json_add_int (b, "scratch_bytes", (gint64)layer->scratch_bytes);
      eng_json_add_int (b, "weight_bytes", (gint64)layer->weight_bytes);
      eng_json_add_int (b, "macs", (gint64)layer->macs);
      eng_json_add_bool (b, "in_patches", layer->is_patched);
      json_builder_end_object (b);
    }
  json_builder_end_array (b);
}

static void
add_patches (JsonBuilder *b, const EngMcuReport *report)
{
  json_builder_set_member_name (b, "patches");
  json_builder_begin_array (b);
  for (guint i = 0; i < report->patches->len; i++)
    {
      const EngMcuPatches *p = g_ptr_array_index (report->patches, i);

      json_builder_begin_object (b);
      eng_json_add_int (b, "layers", p->n_nodes);
      eng_json_add_string (b, "until", p->until);
      eng_json_add_int (b, "rows", p->rows);
      eng_json_add_int (b, "columns", p->columns);
      eng_json_add_int (b, "arena_bytes", (gint64)p->arena_bytes);
      eng_json_add_int (b, "macs", (gint64)p->macs);
      eng_json_add_int (b, "extra_macs", (gint64)p->extra_macs);
      eng_json_add_bool (b, "fits", p->fits);
      eng_json_add_bool (b, "chosen", p->is_chosen);
      json_builder_end_object (b);
    }
  json_builder_end_array (b);
}

JsonNode *
eng_mcu_report_to_json (const EngMcuReport *report)
{
  g_autoptr (JsonBuilder) b = json_builder_new ();

  json_builder_begin_object (b);
  eng_json_add_string (b, "board", report->board);
  eng_json_add_string (b, "title", report->title);
  eng_json_add_string (b, "isa", report->isa);
  eng_json_add_string (b, "model", report->model);
  eng_json_add_string (b, "build_hash", report->build_hash);
  eng_json_add_string (b, "run", report->run_id);
  eng_json_add_bool (b, "fits", eng_mcu_report_fits (report));
  add_sizes (b, report);
  eng_json_add_string (b, "peak_layer", report->peak_layer);
  add_layers (b, report);
  add_patches (b, report);
  json_builder_end_object (b);
  return json_builder_get_root (b);
}
