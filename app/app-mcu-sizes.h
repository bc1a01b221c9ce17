/* What a network takes on a microcontroller, as it is shown: bars against limits, the largest
 * layers, the choices of patches, and words for them. No widgets. */
#pragma once

#include "mcu/eng-mcu.h"

G_BEGIN_DECLS

/* ---- Bars ---- */

#define APP_MCU_MAX_PARTS 3

typedef enum
{
  APP_MCU_FLASH,
  APP_MCU_RAM,
  APP_MCU_N_BARS
} AppMcuBarKind;

typedef struct
{
  EngMcuSizeKind kind; /* what is counted: eng_mcu_size_definition() */
  const char *title;   /* "Weights", translated */
  EngMcuSize size;
} AppMcuPart;

typedef struct
{
  const char *title;   /* "Flash" */
  EngMcuSize size;     /* the sum */
  guint64 limit;       /* what is allowed */
  guint64 board_limit; /* what the board has; more than @limit where less was allowed */
  AppMcuPart parts[APP_MCU_MAX_PARTS];
  guint n_parts;
  gboolean is_over;
} AppMcuBar;

void app_mcu_bar_init (AppMcuBar *bar, const EngMcuReport *report, AppMcuBarKind kind);
/* "22.0 kB of 131 kB · 17 %", with what is allowed where that is less; "1.51 MB of 131 kB: 1.38 MB
 * too much". New. */
char *app_mcu_bar_dup_text (const AppMcuBar *bar);
/* What to do about a bar that is over its limit, with the layer that matters most. New; NULL: it is
 * not over. */
char *app_mcu_bar_dup_advice (const AppMcuBar *bar, const EngMcuReport *report);

/* "estimated", "planned", "linked" */
const char *app_mcu_origin_word (EngMcuOrigin origin);
/* What the sizes are: an estimate and a plan, or of the program that was linked. */
const char *app_mcu_origin_sentence (const EngMcuReport *report);
/* "Fits", "Does Not Fit" */
const char *app_mcu_verdict (const EngMcuReport *report);

/* ---- Layers ---- */

/* The layers with most weights, largest first, at most @n, without those that have none. Borrowed
 * entries (EngMcuLayer). */
GPtrArray *app_mcu_largest_layers (const EngMcuReport *report, guint n);
/* The layer at which the arena is fullest; NULL: there are none. */
const EngMcuLayer *app_mcu_peak_layer (const EngMcuReport *report);
/* A layer's name without the path that all have in common. New. */
char *app_mcu_dup_layer_name (const EngMcuReport *report, const EngMcuLayer *layer);

/* ---- Patches ---- */

/* "No patches", "First 4 layers in 2 × 2". New. */
char *app_mcu_patches_dup_title (const EngMcuPatches *patches);
/* What halos add, as a share of an inference without patches: 0.006. */
double app_mcu_patches_extra (const EngMcuPatches *patches);
/* Whether the board has the RAM for it, whatever is allowed now. */
gboolean app_mcu_patches_fit_board (const EngMcuReport *report, const EngMcuPatches *patches);
/* The limit of RAM with which @patches are chosen; 0: the board's own does. */
guint64 app_mcu_patches_limit (const EngMcuReport *report, const EngMcuPatches *patches);
/* Index of the one chosen; -1: there is none. */
int app_mcu_patches_chosen (const EngMcuReport *report);
/* "+0.6 %", "none". New. */
char *app_mcu_patches_dup_extra (const EngMcuPatches *patches);
/* What is chosen and why, in a sentence. New. */
char *app_mcu_dup_patches_sentence (const EngMcuReport *report);

G_END_DECLS
