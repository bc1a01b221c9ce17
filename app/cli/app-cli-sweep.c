/* `lathe sweep FILE`: many recipes in one table: size, speeds and accuracy with their intervals;
 * the same runs stand on the trade-off plot. */
#include "app-cli-private.h"

#include <stdio.h>
#include <unistd.h>

#include "eng-error.h"
#include "eng-sweep.h"
#include "eval/eng-text-set.h"

static gboolean as_json, as_csv, again, no_keep, list;
static char *recipes_path, *data, *history_path;
static char **inputs;
static int n_decode, n_tokens;

static const GOptionEntry entries[] = {
  { "recipes", 0, 0, G_OPTION_ARG_FILENAME, &recipes_path,
    "The recipes: JSON, see --list --json (a list for language models is built in)", "FILE" },
  { "list", 0, 0, G_OPTION_ARG_NONE, &list, "Only list the recipes", NULL },
  { "decode", 0, 0, G_OPTION_ARG_INT, &n_decode, "Tokens to write after the prompt (64)", "N" },
  { "data", 'd', 0, G_OPTION_ARG_FILENAME, &data,
    "What to evaluate on, as in `lathe eval` (the bundled texts; networks: nothing)", "SET" },
  { "tokens", 'n', 0, G_OPTION_ARG_INT, &n_tokens,
    "Tokens to predict when evaluating (4096; -1: all)", "N" },
  { "input", 'i', 0, G_OPTION_ARG_FILENAME_ARRAY, &inputs,
    "Of a network: a file or a folder; may be repeated (random without)", "FILE" },
  APP_CLI_REPEAT_ENTRIES,
  { "again", 0, 0, G_OPTION_ARG_NONE, &again, "Measure also what the history has already", NULL },
  { "no-keep", 0, 0, G_OPTION_ARG_NONE, &no_keep,
    "Do not read or fill the history: a sweep that is stopped begins again", NULL },
  { "history", 0, 0, G_OPTION_ARG_FILENAME, &history_path, "Another history than the user's",
    "FILE" },
  { "csv", 0, 0, G_OPTION_ARG_NONE, &as_csv, "Comma-separated values", NULL },
  { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "One JSON object", NULL },
  { NULL },
};

static const EngFigureId text_speeds[]
    = { ENG_FIGURE_WEIGHTS, ENG_FIGURE_PREFILL, ENG_FIGURE_DECODE };
static const EngFigureId text_accuracy[] = { ENG_FIGURE_PERPLEXITY, ENG_FIGURE_KL_DIVERGENCE };
static const EngFigureId input_speeds[] = { ENG_FIGURE_WEIGHTS, ENG_FIGURE_INFERENCE };
static const EngFigureId input_accuracy[] = { ENG_FIGURE_ACCURACY, ENG_FIGURE_OUTPUT_AGREEMENT };

#define N_COLUMNS 5
#define NAME_WIDTH 40
#define FIGURE_WIDTH 26

typedef struct
{
  gboolean network;
  EngFigureId ids[N_COLUMNS];
  guint n_speeds, n;
  JsonBuilder *json; /* NULL: text or CSV */
  guint n_failed;
} Table;

static void
table_init (Table *table, EngModel *model)
{
  table->network = eng_model_get_kind (model) == ENG_MODEL_NETWORK;
  table->n_speeds = table->network ? G_N_ELEMENTS (input_speeds) : G_N_ELEMENTS (text_speeds);
  for (guint i = 0; i < table->n_speeds; i++)
    table->ids[table->n++] = table->network ? input_speeds[i] : text_speeds[i];
  for (guint i = 0; i < 2; i++)
    table->ids[table->n++] = table->network ? input_accuracy[i] : text_accuracy[i];
}

static EngFigure
cell (const Table *table, const EngSweepRow *row, guint column)
{
  EngRun *run = column < table->n_speeds ? row->run : row->evaluation;
  EngFigureId id = table->ids[column];

  return run != NULL ? eng_run_get_figure (run, id)
                     : eng_figure_unavailable (eng_figure_id_unit (id),
                                               row->error != NULL ? "failed" : "not evaluated");
}

/* Columns are counted in characters, not in bytes. */
static void
print_cell (const char *text, glong width)
{
  glong n = g_utf8_strlen (text, -1);

  g_print ("%s%*s", text, (int)MAX (width - n, 1), "");
}

static void
print_head (const Table *table)
{
  print_cell ("recipe", NAME_WIDTH);
  for (guint i = 0; i < table->n; i++)
    print_cell (eng_figure_id_title (table->ids[i]), FIGURE_WIDTH);
  g_print ("\n");
}

static void
print_row (const Table *table, const EngSweepRow *row)
{
  print_cell (row->item->name, NAME_WIDTH);
  for (guint i = 0; i < table->n; i++)
    {
      EngFigure figure = cell (table, row, i);
      g_autofree char *text = figure.available ? eng_figure_format (&figure) : g_strdup ("—");

      print_cell (text, FIGURE_WIDTH);
    }
  if (row->run != NULL && eng_run_get_validity (row->run) != ENG_RUN_VALID)
    g_print ("%s", eng_validity_name (eng_run_get_validity (row->run)));
  g_print ("\n");
  if (row->error != NULL)
    g_print ("  %s\n", row->error);
}

static void
print_csv_text (const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text, "\"", -1);
  g_autofree char *doubled = g_strjoinv ("\"\"", parts);

  g_print ("\"%s\"", doubled);
}

static void
print_csv_head (const Table *table)
{
  g_print ("recipe");
  for (guint i = 0; i < table->n; i++)
    {
      const char *name = eng_figure_id_name (table->ids[i]);

      g_print (",%s,%s_low95,%s_high95", name, name, name);
    }
  g_print (",validity,error\n");
}

static void
print_csv_number (double value, gboolean available)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  g_print (",%s",
           available && value == value ? g_ascii_formatd (text, sizeof text, "%.9g", value) : "");
}

static void
print_csv_row (const Table *table, const EngSweepRow *row)
{
  print_csv_text (row->item->name);
  for (guint i = 0; i < table->n; i++)
    {
      EngFigure figure = cell (table, row, i);

      print_csv_number (figure.value, figure.available);
      print_csv_number (figure.low, figure.available);
      print_csv_number (figure.high, figure.available);
    }
  g_print (",%s,", row->run != NULL ? eng_validity_name (eng_run_get_validity (row->run)) : "");
  print_csv_text (row->error != NULL ? row->error : "");
  g_print ("\n");
}

static void
add_json_row (Table *table, const EngSweepRow *row)
{
  JsonBuilder *builder = table->json;

  json_builder_begin_object (builder);
  app_cli_json_string (builder, "name", row->item->name);
  app_cli_json_recipe (builder, row->item->recipe);
  app_cli_json_string (builder, "run", row->run != NULL ? eng_run_get_id (row->run) : NULL);
  app_cli_json_string (builder, "evaluation",
                       row->evaluation != NULL ? eng_run_get_id (row->evaluation) : NULL);
  app_cli_json_string (builder, "build_hash",
                       row->run != NULL ? eng_run_get_build_hash (row->run) : NULL);
  app_cli_json_number (builder, "build_s", row->build_s);
  for (guint i = 0; i < table->n; i++)
    {
      EngFigure figure = cell (table, row, i);

      app_cli_json_figure (builder, eng_figure_id_name (table->ids[i]), &figure);
    }
  app_cli_json_string (builder, "validity",
                       row->run != NULL ? eng_validity_name (eng_run_get_validity (row->run))
                                        : NULL);
  app_cli_json_string (builder, "error", row->error);
  json_builder_end_object (builder);
}

static void
on_row (const EngSweepRow *row, guint index, guint n, gpointer user_data)
{
  Table *table = user_data;

  table->n_failed += row->error != NULL;
  if (isatty (STDERR_FILENO))
    fprintf (stderr, "\r\033[K");
  if (table->json != NULL)
    add_json_row (table, row);
  else if (as_csv)
    print_csv_row (table, row);
  else
    print_row (table, row);
  fflush (stdout);
}

/* As a file that --recipes reads. */
static void
list_recipes (GPtrArray *items)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  for (guint i = 0; !as_json && i < items->len; i++)
    {
      const EngSweepItem *item = items->pdata[i];
      g_autofree char *words = eng_recipe_describe (item->recipe);

      g_print ("%-40s %s\n", item->name, words);
    }
  if (!as_json)
    return;
  json_builder_begin_object (builder);
  app_cli_json_int (builder, "lathe-sweep", 1);
  json_builder_set_member_name (builder, "recipes");
  json_builder_begin_array (builder);
  for (guint i = 0; i < items->len; i++)
    {
      const EngSweepItem *item = items->pdata[i];

      json_builder_begin_object (builder);
      app_cli_json_string (builder, "name", item->name);
      app_cli_json_recipe (builder, item->recipe);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  app_cli_json_print (builder);
}

static gboolean
sweep (EngModel *model, GPtrArray *items, Table *table, GError **error)
{
  EngSweepConfig config = { .n_decode = (guint)n_decode,
                            .interval_width = app_cli_interval_percent / 100,
                            .budget_s = app_cli_budget_s,
                            .data = data,
                            .n_tokens = n_tokens == -1 ? G_MAXUINT : (guint)n_tokens,
                            .inputs = (const char *const *)inputs,
                            .again = again };
  g_autoptr (EngHistory) history = no_keep ? NULL : eng_history_open (history_path, error);

  if (history == NULL && !no_keep)
    return FALSE;
  g_autoptr (AppCliProgress) progress = app_cli_progress_new ("Sweep");
  g_autoptr (GPtrArray) rows
      = eng_sweep (model, items, &config, history, app_cli_progress_get_job (progress), on_row,
                   table, error);
  return rows != NULL;
}

static gboolean
run (int argc, char **argv, GError **error)
{
  Table table = { 0 };

  if (!app_cli_parse (&app_command_sweep, entries, &argc, &argv, 1, error)
      || !app_cli_check_repeat (error))
    return FALSE;
  if (n_decode < 0 || n_tokens < -1)
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                           "--decode and --tokens are numbers of tokens");
      return FALSE;
    }
  g_autoptr (EngModel) model = eng_model_load (argv[1], NULL, error);
  if (model == NULL)
    return FALSE;
  g_autoptr (GPtrArray) items = recipes_path != NULL ? eng_sweep_items_load (recipes_path, error)
                                                     : eng_sweep_items_standard (model, error);
  if (items == NULL)
    return FALSE;
  if (list)
    {
      list_recipes (items);
      return TRUE;
    }

  g_autoptr (JsonBuilder) builder = as_json ? json_builder_new () : NULL;
  table_init (&table, model);
  table.json = builder;
  if (as_json)
    {
      json_builder_begin_object (builder);
      app_cli_json_string (builder, "model", eng_model_get_name (model));
      json_builder_set_member_name (builder, "rows");
      json_builder_begin_array (builder);
    }
  else if (as_csv)
    print_csv_head (&table);
  else
    print_head (&table);
  if (!sweep (model, items, &table, error))
    return FALSE;
  if (as_json)
    {
      json_builder_end_array (builder);
      json_builder_end_object (builder);
      app_cli_json_print (builder);
    }
  if (table.n_failed > 0)
    g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                 "%u of %u recipes failed; their rows say why", table.n_failed, items->len);
  return table.n_failed == 0;
}

const AppCommand app_command_sweep
    = { "sweep", "FILE [--recipes FILE] [--list] [--data SET] [--again] [--csv|--json]",
        "Many recipes in one table: size, speeds and accuracy with their intervals. They are kept "
        "in the history and stand on the "
        "trade-off plot; a sweep that was stopped goes on where it was",
        run };
