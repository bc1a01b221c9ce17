/* Measuring the references: builds that every computer has, run here in this process and there by
 * eng_push_run(), so that the board's times are of the same runner as those of every push. */
#include "eng-board-references.h"

#include <glib/gstdio.h>
#include <math.h>

#include "eng-error.h"
#include "mcu/eng-mcu-expect.h"
#include "eng-reference-network.h"
#include "eng-reference-onnx.h"

/* Seconds of repeats of each run. */
#define BUDGET_S 0.8
#define N_DECODED 16
#define WINDOW 64
#define MIN_STEPS 6 /* of which one can say how they spread */

/* Shorter ones are the clock's and the barrier's, not the layer's. */
#define MIN_NS 500

/* A long one, so that the prompt's step multiplies matrices with matrices. */
static const char prompt[]
    = "The first thing that one notices about the old mill is how quiet it is. The wheel has not "
      "turned for thirty years, the roof has been mended with whatever was at hand, and in the "
      "room above the stones somebody keeps bees. Every spring they";

/* ---- which layers ---- */

/* Of a language model: what computes and what waits for memory in 8-bit products, of a prompt and
 * of one token; attention; and what passes over activations. */
static const struct
{
  RtPhase phase;
  const char *op;
  gboolean at_end; /* behind the last block */
} chosen[] = {
  { RT_PHASE_PREFILL, "gate-up", FALSE },    { RT_PHASE_PREFILL, "attention", FALSE },
  { RT_PHASE_PREFILL, "norm-quant", FALSE }, { RT_PHASE_DECODE, "gate-up", FALSE },
  { RT_PHASE_DECODE, "matmul", TRUE },
};

gboolean
eng_board_reference_is_chosen (EngProfile *profile, RtPhase phase, guint node)
{
  EngBoardLayer layer;
  gboolean at_end
      = eng_profile_get_node_layer (profile, node) >= eng_profile_get_n_layers (profile);

  if (phase == RT_PHASE_INFERENCE)
    return g_str_has_prefix (eng_profile_get_node_name (profile, node), ENG_REFERENCE_PREFIX);
  eng_board_layer_init (&layer, profile, phase, node);
  for (guint i = 0; i < G_N_ELEMENTS (chosen); i++)
    if (chosen[i].phase == phase && g_strcmp0 (chosen[i].op, layer.op) == 0
        && chosen[i].at_end == at_end)
      return TRUE;
  return FALSE;
}

/* ---- pairs ---- */

static void
reference_clear (gpointer data)
{
  g_free (((EngBoardReference *)data)->name);
}

GArray *
eng_board_references_new (void)
{
  GArray *references = g_array_new (FALSE, TRUE, sizeof (EngBoardReference));
  g_array_set_clear_func (references, reference_clear);
  return references;
}

typedef struct
{
  EngBoardLayer layer;
  double log_here, log_there;
  guint n;
} Work;

static GHashTable *
index_nodes (EngProfile *profile)
{
  GHashTable *nodes = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < eng_profile_get_n_nodes (profile); i++)
    g_hash_table_insert (nodes, (gpointer)eng_profile_get_node_name (profile, i),
                         GUINT_TO_POINTER (i + 1));
  return nodes;
}

/* Nodes of the same work are one reference, of the geometric mean of their times: else a model of
 * many like layers would count many times. */
static void
add_phase (GArray *references, EngProfile *here, EngProfile *there, RtPhase phase,
           GHashTable *nodes_there)
{
  static const char *const phases[] = { "prompt", "token", "inference" };
  const EngPhaseProfile *a = eng_profile_get_phase (here, phase);
  const EngPhaseProfile *b = eng_profile_get_phase (there, phase);
  g_autoptr (GHashTable) works = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  GHashTableIter iter;
  gpointer key, value;

  for (guint i = 0; i < eng_profile_get_n_nodes (here); i++)
    {
      guint k = GPOINTER_TO_UINT (
          g_hash_table_lookup (nodes_there, eng_profile_get_node_name (here, i)));
      const char *signature = eng_profile_get_node_signature (here, i);
      if (k-- == 0 || !eng_board_reference_is_chosen (here, phase, i) || a->nodes[i].n == 0
          || b->nodes[k].n == 0 || a->nodes[i].median_ns < MIN_NS || b->nodes[k].median_ns <= 0)
        continue;
      EngBoardLayer layer;
      eng_board_layer_init (&layer, here, phase, i);
      char *name
          = g_strdup_printf ("%s: %s", phases[phase],
                             signature != NULL ? signature : eng_profile_get_node_op (here, i));
      Work *work = g_hash_table_lookup (works, name);
      if (work == NULL)
        {
          work = g_new0 (Work, 1);
          work->layer = layer;
          g_hash_table_insert (works, name, work);
        }
      else
        g_free (name);
      work->log_here += log (a->nodes[i].median_ns);
      work->log_there += log (b->nodes[k].median_ns);
      work->n++;
    }
  g_hash_table_iter_init (&iter, works);
  while (g_hash_table_iter_next (&iter, &key, &value))
    {
      Work *work = value;
      EngBoardReference reference = { .name = g_strdup (key),
                                      .layer = work->layer,
                                      .board_ns = exp (work->log_there / work->n) };
      reference.layer.host_ns = exp (work->log_here / work->n);
      g_array_append_val (references, reference);
    }
}

static int
by_name (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (((const EngBoardReference *)a)->name, ((const EngBoardReference *)b)->name);
}

void
eng_board_references_add (GArray *references, EngProfile *here, EngProfile *there)
{
  g_autoptr (GHashTable) nodes_there = index_nodes (there);

  for (int phase = RT_PHASE_PREFILL; phase <= RT_PHASE_INFERENCE; phase++)
    add_phase (references, here, there, (RtPhase)phase, nodes_there);
  g_array_sort (references, by_name); /* the table has no order of its own */
}

/* ---- runs ---- */

typedef struct
{
  EngDevice *device;
  const EngPushOptions *options;
  EngJob *job;
  GArray *references;
  double log_factors; /* of steps over the sum of their layers, on the board */
  guint n_factors;
  double spreads; /* squares of steps' spreads, here and there */
  guint n_spreads;
} Calibrating;

static EngWorkload *
new_workload (EngModel *model)
{
  EngWorkload *workload;

  if (eng_model_get_kind (model) == ENG_MODEL_LANGUAGE)
    {
      workload = eng_workload_new (prompt);
      workload->n_predict = N_DECODED;
      workload->ignore_end = TRUE;
    }
  else
    workload = eng_workload_new_input (NULL);
  workload->budget_s = BUDGET_S;
  return workload;
}

static void
take_factors (Calibrating *c, EngProfile *there)
{
  for (int phase = RT_PHASE_PREFILL; phase <= RT_PHASE_INFERENCE; phase++)
    {
      const EngPhaseProfile *data = eng_profile_get_phase (there, (RtPhase)phase);
      if (data->clean.n == 0 || data->total.n == 0 || !(data->total.median_ns > 0)
          || !(data->clean.median_ns > 0))
        continue;
      c->log_factors += log (data->clean.median_ns / data->total.median_ns);
      c->n_factors++;
    }
}

/* Half of where nine in ten of the same step lie, as a logarithm. */
static void
take_spreads (Calibrating *c, EngProfile *profile)
{
  for (int phase = RT_PHASE_PREFILL; phase <= RT_PHASE_INFERENCE; phase++)
    {
      const EngPhaseProfile *data = eng_profile_get_phase (profile, (RtPhase)phase);
      if (data->clean.n < MIN_STEPS || !(data->clean.p5_ns > 0))
        continue;
      double spread = log (data->clean.p95_ns / data->clean.p5_ns) / 2;
      c->spreads += spread * spread;
      c->n_spreads++;
    }
}

/* Of one computer the mean over phases; here and there come together. */
static double
get_spread (const Calibrating *c)
{
  return c->n_spreads > 0 ? sqrt (2 * c->spreads / c->n_spreads) : 0;
}

static gboolean
measure (Calibrating *c, EngModel *model, const char *recipe_json, const char *what, GError **error)
{
  GCancellable *cancellable = c->job != NULL ? eng_job_get_cancellable (c->job) : NULL;
  g_autofree char *stage = g_strdup_printf ("Running %s here", what);
  g_autoptr (EngRecipe) recipe
      = recipe_json != NULL ? eng_recipe_from_json (recipe_json, error) : eng_recipe_new ();
  if (recipe == NULL)
    return FALSE;
  /* A build ends the job that it is given; these take tenths of a second. */
  g_autoptr (EngBuild) build = eng_build_new (model, recipe, NULL, NULL, error);
  g_autoptr (EngWorkload) workload = new_workload (model);
  if (build == NULL)
    return FALSE;
  EngProfiler *profiler = eng_profiler_new (build, WINDOW);
  if (c->job != NULL)
    eng_job_report (c->job, stage, -1);
  g_autoptr (EngRun) here = eng_run_new (build, workload, profiler, NULL, cancellable, error);
  eng_profiler_free (profiler);
  if (here == NULL)
    return FALSE;
  profiler = eng_profiler_new (build, WINDOW);
  g_autoptr (EngRun) there = eng_push_run (c->device, build, workload, profiler, NULL, NULL,
                                           c->options, NULL, c->job, error);
  eng_profiler_free (profiler);
  if (there == NULL)
    return FALSE;
  if (eng_run_get_profile (here) != NULL && eng_run_get_profile (there) != NULL)
    {
      eng_board_references_add (c->references, eng_run_get_profile (here),
                                eng_run_get_profile (there));
      take_factors (c, eng_run_get_profile (there));
      take_spreads (c, eng_run_get_profile (here));
      take_spreads (c, eng_run_get_profile (there));
    }
  return TRUE;
}

static EngModel *
load_network (gboolean (*write) (const char *path, GError **error), GCancellable *cancellable,
              GError **error)
{
  g_autofree char *folder = g_dir_make_tmp ("lathe-references-XXXXXX", error);
  if (folder == NULL)
    return NULL;
  g_autofree char *path = g_build_filename (folder, "reference-layers.onnx", NULL);
  EngModel *model = write (path, error) ? eng_model_load (path, cancellable, error) : NULL;
  g_unlink (path); /* a model has read or mapped all of it */
  g_rmdir (folder);
  return model;
}

static gboolean
measure_network (Calibrating *c, GError **error)
{
  GCancellable *cancellable = c->job != NULL ? eng_job_get_cancellable (c->job) : NULL;
  g_autoptr (EngModel) model = load_network (eng_reference_network_write, cancellable, error);

  return model != NULL && measure (c, model, NULL, "reference layers", error);
}

static gboolean
measure_language (Calibrating *c, const char *path, GError **error)
{
  static const char recipe[] = "{\"lathe-recipe\": 1, \"techniques\": "
                               "{\"weight-format\": {\"format\": \"q4_0\"}}}";
  GCancellable *cancellable = c->job != NULL ? eng_job_get_cancellable (c->job) : NULL;
  g_autoptr (EngModel) model = eng_model_load (path, cancellable, error);

  return model != NULL && measure (c, model, recipe, "a language model", error);
}

/* ---- microcontrollers ---- */

/* Set beside the instructions of eng_mcu_work(): this computer's times say nothing of kernels for
 * microcontrollers. */
static void
add_chip_references (GArray *references, GArray *works, EngProfile *there)
{
  const EngPhaseProfile *data = eng_profile_get_phase (there, RT_PHASE_INFERENCE);

  for (guint i = 0; i < eng_profile_get_n_nodes (there); i++)
    for (guint k = 0; k < works->len; k++)
      {
        const EngMcuWork *work = &g_array_index (works, EngMcuWork, k);
        if (!g_str_has_prefix (work->name, ENG_REFERENCE_PREFIX) || data->nodes[i].n == 0
            || g_strcmp0 (work->name, eng_profile_get_node_name (there, i)) != 0)
          continue;
        EngBoardReference reference
            = { .name = g_strdup (eng_profile_get_node_signature (there, i)),
                .layer = work->work,
                .board_ns = data->nodes[i].median_ns };
        g_array_append_val (references, reference);
      }
}

static gboolean
measure_chip (Calibrating *c, GError **error)
{
  GCancellable *cancellable = c->job != NULL ? eng_job_get_cancellable (c->job) : NULL;
  const char *name = eng_device_get_setting (c->device, "board");
  const char *board = eng_mcu_board_find (name != NULL ? name : "", error);
  g_autoptr (EngModel) model
      = board != NULL ? load_network (eng_reference_network_write_chip, cancellable, error) : NULL;
  g_autoptr (EngRecipe) recipe = eng_recipe_new ();
  g_autoptr (EngBuild) build
      = model != NULL ? eng_build_new (model, recipe, NULL, NULL, error) : NULL;
  EngBuild *bare = build != NULL ? eng_build_get_bare (build, error) : NULL;
  g_autoptr (GArray) works = bare != NULL ? eng_mcu_work (bare, board, NULL, error) : NULL;

  if (works == NULL)
    return FALSE;
  g_autoptr (EngWorkload) workload = new_workload (model);
  workload->budget_s = 0.1; /* cycles repeat */
  EngProfiler *profiler = eng_profiler_new (build, WINDOW);
  g_autoptr (EngRun) there = eng_push_run (c->device, build, workload, profiler, NULL, NULL,
                                           c->options, NULL, c->job, error);
  eng_profiler_free (profiler);
  if (there == NULL)
    return FALSE;
  if (eng_run_get_profile (there) != NULL)
    {
      add_chip_references (c->references, works, eng_run_get_profile (there));
      take_factors (c, eng_run_get_profile (there));
      take_spreads (c, eng_run_get_profile (there));
    }
  return TRUE;
}

static char *
describe (EngDevice *device)
{
  g_autoptr (EngBoard) board = eng_device_dup_board (device);

  if (board == NULL)
    return g_strdup (eng_device_get_name (device));
  return g_strdup_printf ("%s: %s, %s%s", eng_device_get_name (device),
                          board->cpu != NULL ? board->cpu : board->machine,
                          board->isa != NULL ? board->isa : "plain C",
                          board->emulated ? ", emulated" : "");
}

EngBoardCalibration *
eng_board_calibrate (EngDevice *device, const char *language_model, const EngPushOptions *options,
                     const char *folder, EngJob *job, GError **error)
{
  g_return_val_if_fail (ENG_IS_DEVICE (device), NULL);

  Calibrating c = { .device = device, .options = options, .job = job };
  g_autoptr (GArray) references = c.references = eng_board_references_new ();

  gboolean chip = eng_device_get_kind (device) == ENG_BOARD_MICROCONTROLLER;

  if (chip ? !measure_chip (&c, error)
           : !measure_network (&c, error)
                 || (language_model != NULL && !measure_language (&c, language_model, error)))
    return NULL;
  g_autofree char *about = describe (device);
  EngBoardCalibration *calibration
      = eng_board_calibration_new ((const EngBoardReference *)(void *)references->data,
                                   references->len,
                                   chip ? ENG_BOARD_BASIS_INSTRUCTIONS : ENG_BOARD_BASIS_HOST,
                                   c.n_factors > 0 ? exp (c.log_factors / c.n_factors) : 1,
                                   get_spread (&c), about, g_get_real_time () / G_USEC_PER_SEC,
                                   error);
  if (calibration != NULL
      && !eng_board_calibration_save (calibration, eng_device_get_id (device), folder, error))
    g_clear_pointer (&calibration, eng_board_calibration_unref);
  return calibration;
}
