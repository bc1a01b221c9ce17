/* A report of sizes in words and in the parts that are drawn. Called by the pane's section
 * (app-mcu-section.c) and the page (app-mcu-page.c); must not know widgets or how sizes are
 * found. */
#include "app-mcu-sizes.h"

#include "app-config.h"
#include "app-names.h"
#include "eng-figure.h"

#include <glib/gi18n.h>
#include <math.h>
#include <string.h>

/* ---- Bars ---- */

static const char *
part_title (EngMcuSizeKind kind)
{
  switch (kind)
    {
    case ENG_MCU_WEIGHTS:
      return _ ("Weights");
    case ENG_MCU_CODE:
      return _ ("Code");
    case ENG_MCU_ARENA:
      return _ ("Arena");
    case ENG_MCU_STATIC:
      return _ ("Static data");
    case ENG_MCU_STACK:
      return _ ("Stack");
    case ENG_MCU_FLASH:
      return _ ("Flash");
    case ENG_MCU_RAM:
      return _ ("RAM");
    case ENG_MCU_N_SIZES:
    default:
      g_return_val_if_reached ("");
    }
}

void
app_mcu_bar_init (AppMcuBar *bar, const EngMcuReport *report, AppMcuBarKind kind)
{
  static const EngMcuSizeKind flash[] = { ENG_MCU_WEIGHTS, ENG_MCU_CODE };
  static const EngMcuSizeKind ram[] = { ENG_MCU_ARENA, ENG_MCU_STATIC, ENG_MCU_STACK };
  gboolean is_ram = kind == APP_MCU_RAM;
  EngMcuSizeKind whole = is_ram ? ENG_MCU_RAM : ENG_MCU_FLASH;

  *bar = (AppMcuBar){ .title = part_title (whole),
                      .size = report->sizes[whole],
                      .limit = is_ram ? report->ram_limit : report->flash_limit,
                      .board_limit = is_ram ? report->board_ram : report->flash_limit,
                      .n_parts = is_ram ? G_N_ELEMENTS (ram) : G_N_ELEMENTS (flash) };
  for (guint i = 0; i < bar->n_parts; i++)
    {
      EngMcuSizeKind part = is_ram ? ram[i] : flash[i];

      bar->parts[i] = (AppMcuPart){ part, part_title (part), report->sizes[part] };
    }
  bar->is_over = bar->size.bytes > bar->limit;
}

char *
app_mcu_bar_dup_text (const AppMcuBar *bar)
{
  g_autofree char *need = eng_format_value ((double)bar->size.bytes, "B");
  g_autofree char *limit = eng_format_value ((double)bar->limit, "B");
  g_autofree char *over = NULL;
  g_autofree char *board = eng_format_value ((double)bar->board_limit, "B");
  g_autofree char *text = NULL;
  double share = 100.0 * (double)bar->size.bytes / (double)MAX (bar->board_limit, 1);
  gboolean less = bar->limit < bar->board_limit;

  if (bar->is_over)
    {
      over = eng_format_value ((double)(bar->size.bytes - bar->limit), "B");
      return g_strdup_printf (less ? _ ("%s of %s allowed: %s too much")
                                   : _ ("%s of %s: %s too much"),
                              need, limit, over);
    }
  /* Translators: bytes needed, bytes that there are, the share */
  text = g_strdup_printf (share < 10 ? _ ("%s of %s · %.1f %%") : _ ("%s of %s · %.0f %%"), need,
                          board, share);
  /* Translators: the sentence before, bytes */
  return less ? g_strdup_printf (_ ("%s · %s allowed"), text, limit) : g_steal_pointer (&text);
}

static const EngMcuPatches *
get_patches (const EngMcuReport *report, guint i)
{
  return report->patches->pdata[i];
}

/* The smallest arena of all choices is still too large. */
static gboolean
no_patches_fit (const EngMcuReport *report)
{
  for (guint i = 0; i < report->patches->len; i++)
    if (app_mcu_patches_fit_board (report, get_patches (report, i)))
      return FALSE;
  return TRUE;
}

static char *
dup_ram_advice (const AppMcuBar *bar, const EngMcuReport *report)
{
  const EngMcuLayer *peak = app_mcu_peak_layer (report);
  g_autofree char *name = peak != NULL ? app_mcu_dup_layer_name (report, peak) : g_strdup ("");
  g_autofree char *live = eng_format_value (peak != NULL ? (double)peak->live_bytes : NAN, "B");

  if (bar->limit < bar->board_limit)
    return g_strdup (
        _ ("Less RAM is allowed than the network needs. Choose other patches, or allow "
           "what the board has."));
  if (!no_patches_fit (report))
    return g_strdup (_ ("Choose patches that fit."));
  /* Translators: a layer's name, bytes */
  return g_strdup_printf (
      report->patches->len > 1
          ? _ (
              "Not even the smallest patches of the first layers are enough. “%s” needs %s: choose "
              "smaller inputs, a network with fewer channels there, or a board with more RAM.")
          : _ ("“%s” needs %s: choose smaller inputs, a network with fewer channels there, or a "
               "board with more RAM."),
      name, live);
}

static char *
dup_flash_advice (const EngMcuReport *report)
{
  g_autoptr (GPtrArray) largest = app_mcu_largest_layers (report, 1);
  g_autofree char *name
      = largest->len > 0 ? app_mcu_dup_layer_name (report, largest->pdata[0]) : NULL;
  g_autofree char *bytes
      = largest->len > 0
            ? eng_format_value ((double)((const EngMcuLayer *)largest->pdata[0])->weight_bytes, "B")
            : NULL;

  if (name == NULL)
    return g_strdup (_ ("Choose a board with more flash."));
  return g_strdup_printf (
      _ ("“%s” alone has %s of weights: prune it, choose a narrower network, or "
         "a board with more flash."),
      name, bytes);
}

char *
app_mcu_bar_dup_advice (const AppMcuBar *bar, const EngMcuReport *report)
{
  if (!bar->is_over)
    return NULL;
  return bar->parts[0].kind == ENG_MCU_ARENA ? dup_ram_advice (bar, report)
                                             : dup_flash_advice (report);
}

const char *
app_mcu_origin_word (EngMcuOrigin origin)
{
  switch (origin)
    {
    case ENG_MCU_ESTIMATED:
      return _ ("estimated");
    case ENG_MCU_PLANNED:
      return _ ("planned");
    case ENG_MCU_LINKED:
      return _ ("linked");
    case ENG_MCU_UNKNOWN:
    default:
      return _ ("unknown");
    }
}

const char *
app_mcu_origin_sentence (const EngMcuReport *report)
{
  if (report->sizes[ENG_MCU_FLASH].origin == ENG_MCU_LINKED)
    return _ ("Linked: as the compiled program has it.");
  return _ ("Planned, nothing was compiled yet: code and static data are estimates, the rest is "
            "exact.");
}

const char *
app_mcu_verdict (const EngMcuReport *report)
{
  return eng_mcu_report_fits (report) ? _ ("Fits") : _ ("Does Not Fit");
}

/* ---- Layers ---- */

static gint
by_weights (gconstpointer a, gconstpointer b)
{
  const EngMcuLayer *x = *(EngMcuLayer *const *)a, *y = *(EngMcuLayer *const *)b;

  if (x->weight_bytes != y->weight_bytes)
    return x->weight_bytes > y->weight_bytes ? -1 : 1;
  return (x->node > y->node) - (x->node < y->node);
}

GPtrArray *
app_mcu_largest_layers (const EngMcuReport *report, guint n)
{
  GPtrArray *layers = g_ptr_array_new ();

  for (guint i = 0; i < report->layers->len; i++)
    if (((const EngMcuLayer *)report->layers->pdata[i])->weight_bytes > 0)
      g_ptr_array_add (layers, report->layers->pdata[i]);
  g_ptr_array_sort (layers, by_weights);
  if (layers->len > n)
    g_ptr_array_set_size (layers, (gint)n);
  return layers;
}

const EngMcuLayer *
app_mcu_peak_layer (const EngMcuReport *report)
{
  const EngMcuLayer *peak = NULL;

  for (guint i = 0; i < report->layers->len; i++)
    {
      const EngMcuLayer *layer = report->layers->pdata[i];

      if (peak == NULL || layer->live_bytes > peak->live_bytes)
        peak = layer;
    }
  return peak;
}

/* Bytes of the path that every layer's name begins with: up to and with the last '/'. */
static gsize
common_path (const EngMcuReport *report)
{
  const char *first
      = report->layers->len > 0 ? ((const EngMcuLayer *)report->layers->pdata[0])->name : "";
  gsize n = strlen (first);

  for (guint i = 0; i < report->layers->len; i++)
    {
      const char *name = ((const EngMcuLayer *)report->layers->pdata[i])->name;
      gsize same = 0;

      while (same < n && name[same] == first[same])
        same++;
      n = same;
    }
  while (n > 0 && first[n - 1] != '/')
    n--;
  return n;
}

char *
app_mcu_dup_layer_name (const EngMcuReport *report, const EngMcuLayer *layer)
{
  g_autofree char *path
      = report->layers->len > 1 ? g_strndup (layer->name, common_path (report)) : g_strdup ("");

  return app_names_dup_short (path, layer->name);
}

/* ---- Patches ---- */

char *
app_mcu_patches_dup_title (const EngMcuPatches *patches)
{
  if (patches->until == NULL)
    return g_strdup (_ ("No patches"));
  /* Translators: so many layers are computed in rows × columns of patches */
  return g_strdup_printf (_ ("First %u layers in %u × %u"), patches->n_nodes, patches->rows,
                          patches->columns);
}

double
app_mcu_patches_extra (const EngMcuPatches *patches)
{
  return (double)patches->extra_macs / (double)MAX (patches->macs - patches->extra_macs, 1);
}

gboolean
app_mcu_patches_fit_board (const EngMcuReport *report, const EngMcuPatches *patches)
{
  return patches->ram_bytes <= report->board_ram;
}

guint64
app_mcu_patches_limit (const EngMcuReport *report, const EngMcuPatches *patches)
{
  const EngMcuPatches *best = NULL;

  /* What the plan takes by itself: no patches where that fits, else the least recomputation. */
  for (guint i = 0; i < report->patches->len; i++)
    {
      const EngMcuPatches *other = get_patches (report, i);

      if (app_mcu_patches_fit_board (report, other)
          && (best == NULL || (best->until != NULL && other->macs < best->macs)))
        best = other;
    }
  return best == patches ? 0 : patches->ram_bytes;
}

int
app_mcu_patches_chosen (const EngMcuReport *report)
{
  for (guint i = 0; i < report->patches->len; i++)
    if (get_patches (report, i)->is_chosen)
      return (int)i;
  return -1;
}

char *
app_mcu_patches_dup_extra (const EngMcuPatches *patches)
{
  if (patches->extra_macs == 0)
    return g_strdup (_ ("none"));
  return g_strdup_printf ("+%.1f %%", 100.0 * app_mcu_patches_extra (patches));
}

char *
app_mcu_dup_patches_sentence (const EngMcuReport *report)
{
  int chosen = app_mcu_patches_chosen (report);
  const EngMcuPatches *patches = chosen >= 0 ? get_patches (report, (guint)chosen) : NULL;
  g_autofree char *extra = patches != NULL ? app_mcu_patches_dup_extra (patches) : NULL;
  g_autofree char *arena = NULL;

  if (patches == NULL)
    return g_strdup ("");
  if (patches->until == NULL)
    return g_strdup (report->patches->len > 1
                         ? _ ("Nothing is computed in patches. A smaller arena is possible.")
                         : _ ("Nothing is computed in patches."));
  arena = eng_format_value ((double)patches->arena_bytes, "B");
  /* Translators: layers, rows, columns, share of more work, bytes */
  return g_strdup_printf (_ ("The first %u layers are computed in %u × %u patches: %s "
                             "multiply-adds, the arena is %s."),
                          patches->n_nodes, patches->rows, patches->columns, extra, arena);
}
