/* What a network takes on a microcontroller, in the words and parts that are shown: bars against
 * limits, what to do about those that are over, largest layers, which limit brings which
 * patches. */
#include "app-mcu-sizes.h"

#include <string.h>

/* ---- A report of this test's own numbers ---- */

static void
free_layer (gpointer data)
{
  EngMcuLayer *layer = data;

  g_free (layer->name);
  g_free (layer->op);
  g_free (layer);
}

static void
free_patches (gpointer data)
{
  g_free (((EngMcuPatches *)data)->until);
  g_free (data);
}

static void
add_layer (EngMcuReport *report, const char *name, guint64 weights, guint64 live)
{
  EngMcuLayer *layer = g_new0 (EngMcuLayer, 1);

  layer->name = g_strdup (name);
  layer->op = g_strdup ("Convolution, 8-bit");
  layer->node = report->layers->len;
  layer->weight_bytes = weights;
  layer->live_bytes = live;
  g_ptr_array_add (report->layers, layer);
}

static EngMcuPatches *
add_patches (EngMcuReport *report, const char *until, guint n, guint rows, guint columns,
             guint64 ram, guint64 macs, guint64 extra)
{
  EngMcuPatches *patches = g_new0 (EngMcuPatches, 1);

  *patches = (EngMcuPatches){ .until = g_strdup (until),
                              .n_nodes = n,
                              .rows = rows,
                              .columns = columns,
                              .arena_bytes = ram - 6000,
                              .ram_bytes = ram,
                              .macs = macs,
                              .extra_macs = extra };
  g_ptr_array_add (report->patches, patches);
  return patches;
}

/* 100 kB of flash and 64 kB of RAM, of which weights take 70 kB and the arena 30 kB. */
static EngMcuReport *
make_report (void)
{
  EngMcuReport *report = g_new0 (EngMcuReport, 1);
  EngMcuSize *sizes = report->sizes;

  g_atomic_ref_count_init (&report->ref_count);
  report->flash_limit = 100000;
  report->ram_limit = report->board_ram = 64000;
  sizes[ENG_MCU_WEIGHTS] = (EngMcuSize){ 70000, ENG_MCU_PLANNED };
  sizes[ENG_MCU_CODE] = (EngMcuSize){ 20000, ENG_MCU_ESTIMATED };
  sizes[ENG_MCU_FLASH] = (EngMcuSize){ 90000, ENG_MCU_ESTIMATED };
  sizes[ENG_MCU_ARENA] = (EngMcuSize){ 30000, ENG_MCU_PLANNED };
  sizes[ENG_MCU_STATIC] = (EngMcuSize){ 2000, ENG_MCU_ESTIMATED };
  sizes[ENG_MCU_STACK] = (EngMcuSize){ 4000, ENG_MCU_PLANNED };
  sizes[ENG_MCU_RAM] = (EngMcuSize){ 36000, ENG_MCU_ESTIMATED };
  report->layers = g_ptr_array_new_with_free_func (free_layer);
  add_layer (report, "net/block/first", 10000, 30000);
  add_layer (report, "net/block/pool", 0, 20000);
  add_layer (report, "net/block/second", 50000, 12000);
  add_layer (report, "net/head", 10000, 3000);
  report->patches = g_ptr_array_new_with_free_func (free_patches);
  add_patches (report, NULL, 0, 1, 1, 36000, 1000, 0)->is_chosen = TRUE;
  add_patches (report, "net/block/pool", 2, 2, 2, 28000, 1100, 100);
  add_patches (report, "net/block/second", 3, 3, 4, 22000, 1500, 500);
  return report;
}

/* ---- Bars ---- */

static void
test_bars (void)
{
  g_autoptr (EngMcuReport) report = make_report ();
  g_autofree char *flash_text = NULL, *ram_text = NULL, *allowed = NULL, *advice = NULL;
  AppMcuBar flash, ram;

  app_mcu_bar_init (&flash, report, APP_MCU_FLASH);
  app_mcu_bar_init (&ram, report, APP_MCU_RAM);
  g_assert_cmpuint (flash.n_parts, ==, 2);
  g_assert_cmpint (flash.parts[0].kind, ==, ENG_MCU_WEIGHTS);
  g_assert_cmpuint (flash.parts[0].size.bytes + flash.parts[1].size.bytes, ==, flash.size.bytes);
  g_assert_cmpuint (ram.n_parts, ==, 3);
  g_assert_cmpint (ram.parts[2].kind, ==, ENG_MCU_STACK);
  g_assert_false (flash.is_over);
  g_assert_false (ram.is_over);
  flash_text = app_mcu_bar_dup_text (&flash);
  ram_text = app_mcu_bar_dup_text (&ram);
  report->ram_limit = 40000; /* the bar is still of the board */
  app_mcu_bar_init (&ram, report, APP_MCU_RAM);
  allowed = app_mcu_bar_dup_text (&ram);
  g_assert_cmpstr (allowed, ==, "36.0 kB of 64.0 kB · 56 % · 40.0 kB allowed");
  /* A narrow no-break space stands before the units. */
  g_assert_cmpstr (flash_text, ==, "90.0 kB of 100 kB · 90 %");
  g_assert_cmpstr (ram_text, ==, "36.0 kB of 64.0 kB · 56 %");
  advice = app_mcu_bar_dup_advice (&ram, report);
  g_assert_null (advice);
  g_assert_cmpstr (app_mcu_verdict (report), ==, "Fits");
}

static void
test_origins (void)
{
  g_autoptr (EngMcuReport) report = make_report ();

  g_assert_nonnull (strstr (app_mcu_origin_sentence (report), "estimates"));
  report->sizes[ENG_MCU_FLASH].origin = ENG_MCU_LINKED;
  g_assert_nonnull (strstr (app_mcu_origin_sentence (report), "Linked"));
  for (int i = ENG_MCU_UNKNOWN; i <= ENG_MCU_LINKED; i++)
    for (int k = ENG_MCU_UNKNOWN; k < i; k++)
      g_assert_cmpstr (app_mcu_origin_word ((EngMcuOrigin)i), !=,
                       app_mcu_origin_word ((EngMcuOrigin)k));
}

/* The advice names the layer that matters and tells the cases apart. */
static void
test_over (void)
{
  g_autoptr (EngMcuReport) report = make_report ();
  g_autofree char *text = NULL, *flash = NULL, *fits = NULL, *hopeless = NULL, *allowed = NULL;
  AppMcuBar bar;

  report->flash_limit = 60000;
  app_mcu_bar_init (&bar, report, APP_MCU_FLASH);
  g_assert_true (bar.is_over);
  text = app_mcu_bar_dup_text (&bar);
  g_assert_cmpstr (text, ==, "90.0 kB of 60.0 kB: 30.0 kB too much");
  flash = app_mcu_bar_dup_advice (&bar, report);
  g_assert_nonnull (strstr (flash, "“block/second”"));
  g_assert_nonnull (strstr (flash, "50.0 kB"));
  g_assert_cmpstr (app_mcu_verdict (report), ==, "Does Not Fit");

  report->ram_limit = report->board_ram = 25000; /* the third choice is 22,000 */
  app_mcu_bar_init (&bar, report, APP_MCU_RAM);
  g_assert_true (bar.is_over);
  fits = app_mcu_bar_dup_advice (&bar, report);
  g_assert_nonnull (strstr (fits, "patches that fit"));

  report->ram_limit = report->board_ram = 20000;
  app_mcu_bar_init (&bar, report, APP_MCU_RAM);
  hopeless = app_mcu_bar_dup_advice (&bar, report);
  g_assert_nonnull (strstr (hopeless, "“block/first”"));
  g_assert_nonnull (strstr (hopeless, "Not even the smallest patches"));

  report->board_ram = 64000; /* but only 20,000 of them are allowed */
  app_mcu_bar_init (&bar, report, APP_MCU_RAM);
  allowed = app_mcu_bar_dup_advice (&bar, report);
  g_assert_nonnull (strstr (allowed, "Less RAM is allowed"));
}

/* ---- Layers ---- */

static void
test_layers (void)
{
  g_autoptr (EngMcuReport) report = make_report ();
  g_autoptr (GPtrArray) all = app_mcu_largest_layers (report, 10);
  g_autoptr (GPtrArray) two = app_mcu_largest_layers (report, 2);
  g_autofree char *name = NULL, *head = NULL;

  g_assert_cmpuint (all->len, ==, 3); /* one has no weights */
  g_assert_cmpuint (two->len, ==, 2);
  g_assert_cmpstr (((EngMcuLayer *)all->pdata[0])->name, ==, "net/block/second");
  /* Of equal ones the first comes first. */
  g_assert_cmpstr (((EngMcuLayer *)all->pdata[1])->name, ==, "net/block/first");
  g_assert_cmpstr (((EngMcuLayer *)all->pdata[2])->name, ==, "net/head");
  g_assert_cmpstr (app_mcu_peak_layer (report)->name, ==, "net/block/first");
  name = app_mcu_dup_layer_name (report, all->pdata[0]);
  head = app_mcu_dup_layer_name (report, all->pdata[2]);
  g_assert_cmpstr (name, ==, "block/second");
  g_assert_cmpstr (head, ==, "head");

  g_ptr_array_set_size (report->layers, 0);
  g_assert_null (app_mcu_peak_layer (report));
}

/* ---- Patches ---- */

/* The engine's rule: no patches where they fit, else the fewest multiply-adds that fit. */
static guint
engine_chooses (const EngMcuReport *report, guint64 limit)
{
  guint best = 0;
  gboolean any = FALSE;

  for (guint i = 0; i < report->patches->len; i++)
    {
      const EngMcuPatches *p = report->patches->pdata[i];
      const EngMcuPatches *b = report->patches->pdata[best];

      if (p->ram_bytes > limit)
        continue;
      if (p->until == NULL)
        return i;
      if (!any || p->macs < b->macs)
        best = i;
      any = TRUE;
    }
  return best;
}

static void
test_choice (void)
{
  g_autoptr (EngMcuReport) report = make_report ();

  for (guint64 ram = 22000; ram <= 64000; ram += 1000)
    {
      report->board_ram = ram;
      for (guint i = 0; i < report->patches->len; i++)
        {
          const EngMcuPatches *p = report->patches->pdata[i];
          guint64 limit = app_mcu_patches_limit (report, p);

          if (!app_mcu_patches_fit_board (report, p))
            continue;
          g_assert_cmpuint (limit, <=, ram);
          g_assert_cmpuint (engine_chooses (report, limit > 0 ? limit : ram), ==, i);
          /* What the engine does by itself needs no limit. */
          if (engine_chooses (report, ram) == i)
            g_assert_cmpuint (limit, ==, 0);
        }
    }
}

static void
test_patch_words (void)
{
  g_autoptr (EngMcuReport) report = make_report ();
  EngMcuPatches *none = report->patches->pdata[0], *second = report->patches->pdata[2];
  g_autofree char *no = app_mcu_patches_dup_title (none);
  g_autofree char *title = app_mcu_patches_dup_title (second);
  g_autofree char *extra = app_mcu_patches_dup_extra (second);
  g_autofree char *before = app_mcu_dup_patches_sentence (report), *after = NULL;

  g_assert_cmpint (app_mcu_patches_chosen (report), ==, 0);
  g_assert_cmpstr (no, ==, "No patches");
  g_assert_cmpstr (title, ==, "First 3 layers in 3 × 4");
  g_assert_cmpstr (extra, ==, "+50.0 %"); /* 500 beside 1000 */
  g_assert_nonnull (strstr (before, "smaller arena is possible"));
  none->is_chosen = FALSE;
  second->is_chosen = TRUE;
  after = app_mcu_dup_patches_sentence (report);
  g_assert_cmpint (app_mcu_patches_chosen (report), ==, 2);
  g_assert_nonnull (strstr (after, "first 3 layers"));
  g_assert_nonnull (strstr (after, "16.0 kB"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mcu-sizes/bars", test_bars);
  g_test_add_func ("/mcu-sizes/origins", test_origins);
  g_test_add_func ("/mcu-sizes/over", test_over);
  g_test_add_func ("/mcu-sizes/layers", test_layers);
  g_test_add_func ("/mcu-sizes/choice", test_choice);
  g_test_add_func ("/mcu-sizes/patch-words", test_patch_words);
  return g_test_run ();
}
