/* What of two runs can be set against each other: only the part that cannot is withheld, with the
 * reason. Called by the comparison. */
#include "eng-compare-private.h"

#include <math.h>

#include "eng-json.h"
#include "eng-run-device.h"
#include "eng-run-private.h"

EngAspect
eng_figure_id_aspect (EngFigureId id)
{
  if (eng_figure_id_is_accuracy (id))
    return ENG_ASPECT_ACCURACY;
  return id == ENG_FIGURE_PEAK_MEMORY || id == ENG_FIGURE_WEIGHTS ? ENG_ASPECT_MEMORY
                                                                  : ENG_ASPECT_TIMES;
}

static char *
dup_machine (EngRun *run, const char *field)
{
  g_autoptr (JsonNode) root
      = eng_json_parse_object (eng_run_get_machine_json (run), "machine", NULL);
  const char *text = root != NULL ? eng_json_get_string (json_node_get_object (root), field) : NULL;

  return g_strdup (text);
}

static gboolean
same_texts (char **a, char **b)
{
  static const char *const none[] = { NULL };

  return g_strv_equal (a != NULL ? (const char *const *)a : none,
                       b != NULL ? (const char *const *)b : none);
}

static void
withhold (EngComparable *comparable, EngAspect aspect, const char *reason)
{
  if (comparable->withheld[aspect] == NULL)
    comparable->withheld[aspect] = g_strdup (reason);
}

/* Times of one network hardly depend on the inputs, unless their sizes differ. */
static void
check_inputs (GStrvBuilder *caveats, const EngWorkload *a, const EngWorkload *b)
{
  if ((a->seconds > 0.0) != (b->seconds > 0.0) || a->rate_hz != b->rate_hz)
    g_strv_builder_add (caveats, "One of the runs followed another rhythm: pauses between inputs "
                                 "let caches and clocks cool down, so small differences mean "
                                 "little.");
  if (!same_texts (a->inputs, b->inputs))
    g_strv_builder_add (
        caveats,
        "The inputs differ: what is done before and after the network may depend on their sizes.");
}

/* Evaluations, of any kind of model. */
static void
check_labels (EngComparable *comparable, const EngWorkload *a, const EngWorkload *b)
{
  if (a->labelled != b->labelled)
    withhold (comparable, ENG_ASPECT_TIMES,
              "One of the runs is an evaluation: its times include reading the samples.");
  if (a->labelled && b->labelled && !same_texts (a->inputs, b->inputs))
    withhold (comparable, ENG_ASPECT_ACCURACY, "The accuracies are of different sets.");
}

static void
check_text (EngComparable *comparable, GStrvBuilder *caveats, EngRun *first, EngRun *run)
{
  const EngWorkload *a = eng_run_get_workload (first), *b = eng_run_get_workload (run);

  if (g_strcmp0 (a->prompt, b->prompt) != 0 || g_strcmp0 (a->system, b->system) != 0
      || a->chat != b->chat)
    withhold (comparable, ENG_ASPECT_TIMES,
              "The prompts differ, and times depend on them: only memory is compared.");
  else if (eng_run_get_n_prompt (first) != eng_run_get_n_prompt (run))
    withhold (comparable, ENG_ASPECT_TIMES,
              "The prompt became another number of tokens, and times depend on it: only memory is "
              "compared.");
  else if (eng_run_get_n_generated (first) != eng_run_get_n_generated (run))
    g_strv_builder_add (caveats, "The runs wrote different numbers of tokens; later tokens cost "
                                 "more, so small differences mean little.");
  if (eng_run_get_n_ctx (first) != eng_run_get_n_ctx (run))
    g_strv_builder_add (caveats,
                        "The contexts have different lengths: so have the key-value caches.");
}

static const char *
get_device (EngRun *run)
{
  return eng_run_get_device (run) != NULL ? eng_run_get_device (run) : "this computer";
}

/* TRUE: their devices have different names. */
static gboolean
check_devices (GStrvBuilder *caveats, EngRun *first, EngRun *run)
{
  EngRun *runs[] = { first, run };
  gboolean differ = g_strcmp0 (eng_run_get_device (first), eng_run_get_device (run)) != 0;
  g_autofree char *line = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (runs); i++)
    if (eng_run_get_emulated (runs[i]) && (i == 0 || differ))
      {
        g_autofree char *emulated
            = g_strdup_printf ("The times of %s are of an emulator: they tell nothing of hardware.",
                               get_device (runs[i]));
        g_strv_builder_add (caveats, emulated);
      }
  if (!differ)
    return FALSE;
  line = g_strdup_printf ("Measured on different devices: %s, and %s there.", get_device (first),
                          get_device (run));
  g_strv_builder_add (caveats, line);
  return TRUE;
}

/* Of a network on a device, what surrounds it is done on this computer. */
static void
check_surroundings (GStrvBuilder *caveats, EngRun *first, EngRun *run)
{
  if (first->workload->kind == ENG_WORKLOAD_INPUT
      && first->figures[ENG_FIGURE_PREPROCESSING].available
             != run->figures[ENG_FIGURE_PREPROCESSING].available)
    g_strv_builder_add (caveats,
                        "Only one of the runs prepares its inputs and reads out its results "
                        "within an inference: compare the network and its layers.");
}

static void
check_places (GStrvBuilder *caveats, EngRun *first, EngRun *run)
{
  g_autofree char *cpu_a = dup_machine (first, "cpu"), *cpu_b = dup_machine (run, "cpu");
  g_autofree char *line = NULL;

  if (!check_devices (caveats, first, run) && g_strcmp0 (cpu_a, cpu_b) != 0)
    {
      line = g_strdup_printf ("Measured on different devices: %s, and %s there.",
                              cpu_a != NULL ? cpu_a : "an unknown one",
                              cpu_b != NULL ? cpu_b : "an unknown one");
      g_strv_builder_add (caveats, line);
    }
  if (g_strcmp0 (eng_run_get_isa (first), eng_run_get_isa (run)) != 0)
    {
      g_free (line);
      line = g_strdup_printf ("Other kernels: for %s, and for %s there.", eng_run_get_isa (first),
                              eng_run_get_isa (run));
      g_strv_builder_add (caveats, line);
    }
  if (eng_run_get_n_threads (first) != eng_run_get_n_threads (run))
    {
      g_free (line);
      line = g_strdup_printf ("On %u %s, and on %u there.", eng_run_get_n_threads (first),
                              eng_run_get_n_threads (first) == 1 ? "thread" : "threads",
                              eng_run_get_n_threads (run));
      g_strv_builder_add (caveats, line);
    }
  if (g_strcmp0 (first->engine_version, run->engine_version) != 0)
    {
      g_free (line);
      line = g_strdup_printf ("Measured with different versions of Lathe: %s, and %s there.",
                              first->engine_version, run->engine_version);
      g_strv_builder_add (caveats, line);
    }
}

static void
check_validity (EngComparable *comparable, GStrvBuilder *caveats, EngRun *run, const char *which)
{
  g_autofree char *reasons = g_strjoinv ("; ", (GStrv)eng_run_get_reasons (run));
  g_autofree char *line = NULL;

  if (eng_run_get_validity (run) == ENG_RUN_INVALID)
    {
      line
          = g_strdup_printf ("%s run is invalid (%s): its times are not compared.", which, reasons);
      withhold (comparable, ENG_ASPECT_TIMES, line);
    }
  else if (eng_run_get_validity (run) == ENG_RUN_DEGRADED)
    {
      line = g_strdup_printf ("%s run is degraded (%s): read its times with care.", which, reasons);
      g_strv_builder_add (caveats, line);
    }
}

void
eng_comparable_init (EngComparable *comparable, EngRun *first, EngRun *run, EngAlignKind kind,
                     const char *why_not)
{
  const EngWorkload *a = eng_run_get_workload (first), *b = eng_run_get_workload (run);
  g_autoptr (GStrvBuilder) caveats = g_strv_builder_new ();

  *comparable = (EngComparable){ { NULL }, NULL };
  if (first == run)
    {
      comparable->caveats = g_strv_builder_end (caveats);
      return;
    }
  if (a->kind != b->kind)
    for (EngAspect aspect = 0; aspect < ENG_N_ASPECTS; aspect++)
      withhold (comparable, aspect,
                "One run is of a language model, the other of a network: nothing is compared.");
  else if (kind == ENG_ALIGN_NONE)
    for (EngAspect aspect = 0; aspect < ENG_N_ASPECTS; aspect++)
      withhold (comparable, aspect,
                why_not != NULL ? why_not
                                : "These are runs of different networks: nothing is compared.");
  else
    check_labels (comparable, a, b);
  if (comparable->withheld[ENG_ASPECT_LAYERS] != NULL)
    ; /* nothing more to say */
  else if (a->kind == ENG_WORKLOAD_INPUT)
    check_inputs (caveats, a, b);
  else
    check_text (comparable, caveats, first, run);
  if (comparable->withheld[ENG_ASPECT_LAYERS] == NULL)
    {
      if (kind == ENG_ALIGN_SHAPES)
        g_strv_builder_add (caveats, "The files name their layers differently: they are lined up "
                                     "by the order, kind and size of the heavy operators.");
      else if (g_strcmp0 (eng_run_get_model_hash (first), eng_run_get_model_hash (run)) != 0)
        g_strv_builder_add (
            caveats,
            "These are different files of one network: their layers are lined up by name.");
      check_places (caveats, first, run);
      check_surroundings (caveats, first, run);
      check_validity (comparable, caveats, first, "The first");
      check_validity (comparable, caveats, run, "This");
    }
  comparable->caveats = g_strv_builder_end (caveats);
}

void
eng_comparable_check (EngComparable *comparable, EngRun *first, EngRun *run)
{
  g_autofree char *reason = NULL;
  EngAlignKind kind;

  /* Of one file, names and sizes agree. */
  if (*eng_run_get_model_hash (first) != '\0'
      && g_str_equal (eng_run_get_model_hash (first), eng_run_get_model_hash (run)))
    kind = ENG_ALIGN_NAMES;
  else
    kind = eng_align_check (eng_run_get_profile (first), eng_run_get_profile (run), &reason);
  eng_comparable_init (comparable, first, run, kind, reason);
}

void
eng_comparable_clear (EngComparable *comparable)
{
  for (EngAspect aspect = 0; aspect < ENG_N_ASPECTS; aspect++)
    g_clear_pointer (&comparable->withheld[aspect], g_free);
  g_clear_pointer (&comparable->caveats, g_strfreev);
}
