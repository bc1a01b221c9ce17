/* What the commands share: options, opening a model, recipes, and writing JSON. */
#pragma once

#include <json-glib/json-glib.h>

#include "app-cli.h"
#include "eng-build.h"
#include "eng-estimate.h"
#include "eng-figure.h"
#include "eng-layer-error.h"
#include "eng-run.h"

G_BEGIN_DECLS

typedef struct
{
  const char *name;
  const char *arguments; /* "FILE [--recipe R]..." */
  const char *summary;
  /* @args: what is left after the options. FALSE with @error set gives exit status 1. */
  gboolean (*run) (int argc, char **argv, GError **error);
} AppCommand;

extern const AppCommand app_command_inspect, app_command_run, app_command_bench,
    app_command_profile, app_command_eval, app_command_convert, app_command_estimate,
    app_command_techniques, app_command_trace, app_command_tradeoff, app_command_compare,
    app_command_runs, app_command_sensitivity, app_command_distribution, app_command_report;

extern const AppCommand app_command_advise;
extern const AppCommand app_command_skip;
extern const AppCommand app_command_formats;
extern const AppCommand app_command_devices;
extern const AppCommand app_command_sweep, app_command_price;

/* Errors of this domain are exit statuses above 1: their code. */
#define APP_CLI_EXIT (app_cli_exit_quark ())
GQuark app_cli_exit_quark (void);

/* The runs that the arguments after the first name (eng_run_find()), of EngRun; NULL with @error
 * set. */
GPtrArray *app_cli_find_runs (int argc, char **argv, GError **error);

/* Parse @entries out of @argv and leave the file arguments; exactly @n_files of them, else an error
 * with the command's usage. */
gboolean app_cli_parse (const AppCommand *command, const GOptionEntry *entries, int *argc,
                        char ***argv, guint n_files, GError **error);

/* A recipe from a file name or from JSON text (starts with "{"); NULL: the defaults. */
EngRecipe *app_cli_recipe (const char *file_or_json, GError **error);

/* Apply "-t N" on top: 0 leaves the recipe as it is. */
EngRecipe *app_cli_recipe_with_threads (EngRecipe *recipe, int n_threads, GError **error);

/* Model → build, with notes on stderr. */
EngBuild *app_cli_build (EngModel *model, EngRecipe *recipe, GError **error);

/* Estimates (eng-estimate.h): from the user's table of kernel times. */
EngEstimator *app_cli_estimator (GError **error);
/* What a finished run teaches goes into the table, a note on stderr where that is not possible;
 * then its verdicts are asked for. */
void app_cli_take_run (EngRun *run, EngModel *model);
/* What the run's techniques were worth, by layers; @max_per_technique lines of each (0: all). */
void app_cli_print_verdicts (EngRun *run, guint max_per_technique,
                             void (*print) (const char *format, ...) G_GNUC_PRINTF (1, 2));
/* "decoding a token: estimate was 1.92 ms, 6 % too low", on stderr. */
void app_cli_print_estimates (EngRun *run);

/* null when NULL */
void app_cli_json_string (JsonBuilder *builder, const char *name, const char *value);
void app_cli_json_int (JsonBuilder *builder, const char *name, gint64 value);
/* null when not finite */
void app_cli_json_number (JsonBuilder *builder, const char *name, double value);
/* {"value", "low95", "high95", "n", "unit"} or {"unavailable": reason}. */
void app_cli_json_figure (JsonBuilder *builder, const char *name, const EngFigure *figure);
/* The recipe as an object, not as text. */
void app_cli_json_recipe (JsonBuilder *builder, EngRecipe *recipe);
/* Print the finished object on stdout, indented. */
void app_cli_json_print (JsonBuilder *builder);

/* Cancelled by the first Ctrl-C: a run then ends with what it has. Once per program. */
GCancellable *app_cli_stop_on_interrupt (void);

/* A job whose stage is shown on standard error when that is a terminal, and that Ctrl-C cancels.
 * Once per program. free() ends it. */
typedef struct _AppCliProgress AppCliProgress;
AppCliProgress *app_cli_progress_new (const char *title);
EngJob *app_cli_progress_get_job (AppCliProgress *progress);
void app_cli_progress_free (AppCliProgress *progress);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AppCliProgress, app_cli_progress_free)

/* How well a run is to be known: "--interval" and "--budget", for the entries of a command that
 * makes runs (app-cli-repeat.c). */
/* clang-format off */
#define APP_CLI_REPEAT_ENTRIES                                                                     \
  { "interval", 0, 0, G_OPTION_ARG_DOUBLE, &app_cli_interval_percent,                              \
    "Repeat until the 95 % interval is this wide, in percent of the median (5; 0: until the "      \
    "budget is spent)", "PERCENT" },                                                               \
  { "budget", 0, 0, G_OPTION_ARG_DOUBLE, &app_cli_budget_s, "Seconds for repeats (3)", "S" }
/* clang-format on */
extern double app_cli_interval_percent, app_cli_budget_s;
gboolean app_cli_check_repeat (GError **error); /* the values are usable */
void app_cli_set_repeat (EngWorkload *workload);
/* What a command that measures has a language model say: any text, just so long. @prompt NULL: the
 * built-in one. Free with eng_workload_free(). */
EngWorkload *app_cli_text_workload (const char *prompt, int n_predict);
/* Acceptance, speed-up, whether the text is the plain one; nothing of a run that did not
 * speculate. */
void app_cli_print_speculation (EngRun *run);
/* "Decode speed: ended by the budget of 3 s before its interval was 5 % wide": a line for each such
 * figure. */
void app_cli_print_repeats (EngRun *run,
                            void (*print) (const char *format, ...) G_GNUC_PRINTF (1, 2));

/* What the machine did meanwhile: clock, temperature, other programs, and what looking cost. */
void app_cli_print_conditions (EngRun *run,
                               void (*print) (const char *format, ...) G_GNUC_PRINTF (1, 2));

/* Energy (app-cli-energy.c): the options "--meter" and "--idle", for the entries of a command that
 * makes runs, and what they found. */
/* clang-format off */
#define APP_CLI_METER_ENTRIES                                                                      \
  { "meter", 0, 0, G_OPTION_ARG_STRING, &app_cli_meter,                                            \
    "Measure energy with this meter: auto (what there is), none, rapl, hwmon, pi5, battery, each " \
    "with :ROOT, or serial:PORT", "KIND[:PLACE]" },                                                \
  { "idle", 0, 0, G_OPTION_ARG_DOUBLE, &app_cli_idle_s,                                            \
    "Measure the idle power first, for so long; stated, never taken off", "S" }
/* clang-format on */
extern char *app_cli_meter;
extern double app_cli_idle_s;
/* FALSE: the meter that was asked for cannot be used */
gboolean app_cli_choose_meter (GError **error);
/* Lines with the grade in each, and why nothing was measured. */
void app_cli_print_energy (EngRun *run,
                           void (*print) (const char *format, ...) G_GNUC_PRINTF (1, 2));
void app_cli_print_energy_figures (EngEnergy *energy, const EngFigure *figures,
                                   void (*print) (const char *format, ...) G_GNUC_PRINTF (1, 2));
/* Joules of a node, or of a layer (index layer + 1): "12.3 mJ" or "—". */
char *app_cli_format_attributed (const EngPhaseEnergy *energy, guint i, gboolean node);
char *app_cli_format_modelled (const EngPhaseEnergy *energy, guint i, gboolean node);

/* Performance counters per layer or node, or why there are none; on standard output. */
void app_cli_print_counters (EngModel *model, EngRun *run, gboolean by_node);

/* Accuracy per layer (app-cli-sensitivity.c): of @build on @text_path (NULL: bundled texts) or, of
 * a network, @inputs (NULL: random). */

/* FALSE: there is nothing to measure */
gboolean app_cli_check_layers (EngModel *model, EngRecipe *recipe, GError **error);
EngLayerErrors *app_cli_measure_layers (EngBuild *build, const char *text_path, const char *inputs,
                                        GError **error);
void app_cli_print_layers (EngModel *model, EngLayerErrors *errors);

/* Networks (app-cli-network.c). */
void app_cli_print_network (EngModel *model);
/* members of the object that is open */
void app_cli_json_network (JsonBuilder *builder, EngModel *model);
/* on standard error, with the run's own notes */
void app_cli_print_figures (EngRun *run, EngBuild *build);
/* on standard error: the run's own, of any model */
void app_cli_print_notes (EngRun *run, EngBuild *build);
gboolean app_cli_save_result (EngRun *run, const char *path, GError **error);
/* boxes, points or a mask, over the input picture; PNG */
gboolean app_cli_draw_result (EngResult *result, const char *path, GError **error);
EngWorkload *app_cli_input_workload (char **inputs, int n_repeats, double seconds, double rate);

G_END_DECLS
