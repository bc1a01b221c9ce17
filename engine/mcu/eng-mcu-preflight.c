/* Preflight for microcontrollers: operators, RAM and flash, from the plan. Called by
 * eng_preflight(), which knows what a device is; writes nothing. */
#include "eng-mcu-preflight.h"

#include "eng-figure.h"
#include "eng-mcu-plan.h"

static void
add (GPtrArray *items, const char *id, const char *title, EngPreflightState state, char *text)
{
  EngPreflightItem *item = g_new0 (EngPreflightItem, 1);

  item->id = id;
  item->title = title;
  item->state = state;
  item->text = text;
  g_ptr_array_add (items, item);
}

/* "needs 42.8 kB of 4.19 MB" */
static char *
need_text (const EngMcuSize *size, guint64 limit, const char *what)
{
  g_autofree char *need = eng_format_value ((double)size->bytes, "B");
  g_autofree char *have = eng_format_value ((double)limit, "B");

  return g_strdup_printf ("needs about %s of %s %s", need, have, what);
}

static void
add_size (GPtrArray *items, const char *id, const char *title, const EngMcuSize *size,
          guint64 limit, const char *what, const char *advice)
{
  g_autofree char *need = need_text (size, limit, what);

  if (size->bytes > limit)
    add (items, id, title, ENG_PREFLIGHT_FAILED, g_strdup_printf ("%s: %s", need, advice));
  else
    add (items, id, title, ENG_PREFLIGHT_OK, g_steal_pointer (&need));
}

/* What computing the first layers in patches costs here. */
static void
add_patches (GPtrArray *items, const EngMcuReport *report)
{
  g_autofree char *patches = eng_mcu_report_dup_patches (report);

  if (patches != NULL)
    add (items, "patches", "Patches", ENG_PREFLIGHT_WARNING,
         g_strdup_printf ("to fit the RAM %s", patches));
}

void
eng_mcu_preflight (GPtrArray *items, EngDevice *device, EngBuild *build)
{
  const EngMcuOptions options = { .quick = TRUE, .ram_limit = eng_mcu_device_ram_limit (device) };
  const char *name = eng_device_get_setting (device, "board");
  g_autoptr (GError) error = NULL;
  const char *board = eng_mcu_board_find (name != NULL ? name : "", &error);
  EngBuild *bare = board != NULL ? eng_build_get_bare (build, &error) : NULL;
  g_autoptr (EngMcuReport) report
      = error == NULL ? eng_mcu_plan (bare, board, &options, &error) : NULL;

  if (report == NULL)
    {
      add (items, "operators", "Operators", ENG_PREFLIGHT_FAILED, g_strdup (error->message));
      return;
    }
  add (items, "operators", "Operators", ENG_PREFLIGHT_OK,
       g_strdup_printf ("all %u layers have kernels there", report->layers->len));
  add_size (items, "memory", "RAM", &report->sizes[ENG_MCU_RAM], report->ram_limit,
            report->ram_limit < report->board_ram ? "RAM that is allowed" : "RAM",
            report->ram_limit < report->board_ram
                ? "allow more of what the board has, or choose a smaller network"
                : "the activations are too large, the first layers in patches included; choose a "
                  "smaller network or smaller inputs");
  add_size (items, "space", "Flash", &report->sizes[ENG_MCU_FLASH], report->flash_limit, "flash",
            "the weights are too large; choose a smaller network or prune it");
  add_patches (items, report);
}
