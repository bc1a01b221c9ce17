/* From a build to a program with places and its report: what everything else here begins with. */
#include "eng-mcu-plan.h"

#include <string.h>

#include "eng-error.h"

/* What is told until an image is linked: kernels and board support as gcc 12 links them for the
 * boards of data/boards, with some room, and what every call adds: its struct, its function, its
 * row in the table and its name. */
#define CODE_BYTES 18432
#define CALL_BYTES 160

static void
free_layer (gpointer data)
{
  EngMcuLayer *layer = data;

  g_free (layer->name);
  g_free (layer->op);
  g_free (layer);
}

static void
fill_layers (const EngMcuProgram *p, EngMcuReport *report)
{
  guint64 most = 0;

  report->layers = g_ptr_array_new_with_free_func (free_layer);
  for (RtNodeId n = 0; n < p->nodes->len; n++)
    {
      const EngMcuNode *node = &g_array_index (p->nodes, EngMcuNode, n);
      EngMcuLayer *layer = g_new0 (EngMcuLayer, 1);

      *layer = (EngMcuLayer){ .name = g_strdup (node->node->name),
                              .node = n,
                              .op = g_strdup (node->node->op->title),
                              .live_bytes = p->live_bytes[n],
                              .scratch_bytes = p->scratch_each[n],
                              .weight_bytes = eng_mcu_constant_bytes (node),
                              .macs = p->macs[n],
                              .is_patched
                              = p->is_tiled && p->tiling.first <= n && n <= p->tiling.last };
      g_ptr_array_add (report->layers, layer);
      report->sizes[ENG_MCU_WEIGHTS].bytes += layer->weight_bytes;
      if (layer->live_bytes > most)
        {
          most = layer->live_bytes;
          g_free (report->peak_layer);
          report->peak_layer = g_strdup (layer->name);
        }
    }
}

static guint64
estimate_code (const EngMcuProgram *p)
{
  const guint n_patches = p->is_tiled ? p->tiling.rows * p->tiling.columns : 1;
  guint64 bytes = CODE_BYTES;

  for (RtNodeId n = 0; n < p->nodes->len; n++)
    {
      const gboolean inside = p->is_tiled && p->tiling.first <= n && n <= p->tiling.last;

      g_autofree char *name
          = eng_mcu_short_name (g_array_index (p->nodes, EngMcuNode, n).node->name);

      bytes += (inside ? n_patches : 1) * CALL_BYTES + strlen (name);
    }
  return bytes;
}

static void
fill_sizes (const EngMcuProgram *p, EngMcuReport *report)
{
  EngMcuSize *sizes = report->sizes;

  sizes[ENG_MCU_WEIGHTS].origin = ENG_MCU_PLANNED;
  sizes[ENG_MCU_ARENA] = (EngMcuSize){ p->arena_bytes, ENG_MCU_PLANNED };
  sizes[ENG_MCU_STACK] = (EngMcuSize){ p->board->stack_bytes, ENG_MCU_PLANNED };
  sizes[ENG_MCU_STATIC] = (EngMcuSize){ eng_mcu_program_static_bytes (p), ENG_MCU_ESTIMATED };
  sizes[ENG_MCU_CODE] = (EngMcuSize){ estimate_code (p), ENG_MCU_ESTIMATED };
  eng_mcu_report_sum (report, ENG_MCU_ESTIMATED);
}

void
eng_mcu_report_sum (EngMcuReport *report, EngMcuOrigin origin)
{
  EngMcuSize *sizes = report->sizes;

  sizes[ENG_MCU_FLASH]
      = (EngMcuSize){ sizes[ENG_MCU_WEIGHTS].bytes + sizes[ENG_MCU_CODE].bytes, origin };
  sizes[ENG_MCU_RAM] = (EngMcuSize){
    sizes[ENG_MCU_ARENA].bytes + sizes[ENG_MCU_STATIC].bytes + sizes[ENG_MCU_STACK].bytes, origin
  };
}

EngMcuProgram *
eng_mcu_plan_program (EngBuild *bare, const char *board, const EngMcuOptions *options,
                      const char *run_id, EngMcuReport **report, GError **error)
{
  g_autoptr (EngMcuProgram) p = eng_mcu_program_new (bare, board, error);
  g_autoptr (EngMcuReport) r = NULL;

  if (p == NULL)
    return NULL;
  r = g_new0 (EngMcuReport, 1);
  g_atomic_ref_count_init (&r->ref_count);
  r->board = g_strdup (p->board->id);
  r->title = g_strdup (p->board->title);
  r->isa = g_strdup (eng_mcu_isa_name (p->board->isa));
  r->model = g_path_get_basename (eng_model_get_path (eng_build_get_model (bare)));
  r->build_hash = g_strdup (eng_build_get_hash (bare));
  r->run_id = g_strdup (run_id);
  r->flash_limit = p->board->flash_bytes;
  r->board_ram = p->board->ram_bytes;
  if (!eng_mcu_program_choose (p, options, r, error))
    return NULL;
  fill_layers (p, r);
  fill_sizes (p, r);
  *report = g_steal_pointer (&r);
  return g_steal_pointer (&p);
}

gboolean
eng_mcu_report_check (const EngMcuReport *report, GError **error)
{
  if (eng_mcu_report_fits (report))
    return TRUE;
  const gboolean ram = report->sizes[ENG_MCU_RAM].bytes > report->ram_limit;

  g_set_error (error, ENG_ERROR, ENG_ERROR_MEMORY,
               "%s does not fit %s: it needs %" G_GUINT64_FORMAT " bytes of %s (%s) and there are "
               "%" G_GUINT64_FORMAT "%s",
               report->model, report->title, report->sizes[ram ? ENG_MCU_RAM : ENG_MCU_FLASH].bytes,
               ram ? "RAM" : "flash",
               eng_mcu_origin_name (report->sizes[ram ? ENG_MCU_RAM : ENG_MCU_FLASH].origin),
               ram ? report->ram_limit : report->flash_limit,
               ram ? ", the smallest patches of the first layers included" : "");
  return FALSE;
}

EngMcuReport *
eng_mcu_plan (EngBuild *bare, const char *board, const EngMcuOptions *options, GError **error)
{
  EngMcuReport *report = NULL;
  g_autoptr (EngMcuProgram) p = eng_mcu_plan_program (bare, board, options, NULL, &report, error);

  return p != NULL ? report : NULL;
}
