/* Single inferences, timed. A clean inference gives the totals, an instrumented one the layers;
 * they alternate, so that both see the same machine. Runs on the caller's thread; knows nothing of
 * figures or JSON (eng-run-infer.c). */
#include "eng-measure-input.h"

#include <math.h>
#include <string.h>

#include "eng-error.h"
#include "rt-clock.h"

/* Instrumented inferences that layers rest on at least, and clean ones that are enough for
 * anything. */
#define FEWEST_NODES 7
#define MOST_INFERENCES 2000

/* A folder of more files than this is a mistake. */
#define MAX_INPUTS 1000000

/* Waiting for the next input's time, in pieces, so that stopping is felt at once. */
#define WAIT_US 10000

static GArray *
samples_new (void)
{
  return g_array_new (FALSE, FALSE, sizeof (double));
}

static void
add_sample (GArray *samples, double ns)
{
  g_array_append_val (samples, ns);
}

static void
tell_stage (EngMeasureInput *self, const char *stage, double progress)
{
  if (self->events != NULL && self->events->stage != NULL)
    self->events->stage (stage, progress, self->events->user_data);
}

/* ---- The list of inputs ---- */

static int
compare_paths (const void *a, const void *b)
{
  return strcmp (*(char *const *)a, *(char *const *)b);
}

static gboolean
add_folder (EngMeasureInput *self, const char *folder, GError **error)
{
  GPtrArray *paths = self->paths;
  g_autoptr (GDir) dir = g_dir_open (folder, 0, error);
  const char *name;
  guint first = paths->len;

  if (dir == NULL)
    return FALSE;
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      if (name[0] == '.' || !g_file_test (path, G_FILE_TEST_IS_REGULAR))
        continue;
      if (paths->len >= MAX_INPUTS)
        {
          g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE, "%s has more than a million files",
                       folder);
          return FALSE;
        }
      g_hash_table_add (self->listed, path);
      g_ptr_array_add (paths, g_steal_pointer (&path));
    }
  if (paths->len == first)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_NOT_FOUND, "The folder %s has no files", folder);
      return FALSE;
    }
  qsort (paths->pdata + first, paths->len - first, sizeof (gpointer), compare_paths);
  return TRUE;
}

static gboolean
list_inputs (EngMeasureInput *self, GError **error)
{
  for (guint i = 0; self->workload->inputs != NULL && self->workload->inputs[i] != NULL; i++)
    {
      const char *path = self->workload->inputs[i];
      if (!g_file_test (path, G_FILE_TEST_IS_DIR))
        g_ptr_array_add (self->paths, g_strdup (path));
      else if (!add_folder (self, path, error))
        return FALSE;
    }
  return TRUE;
}

static EngInput *
load_input (EngMeasureInput *self, guint index, GError **error)
{
  if (self->paths->len == 0)
    return eng_input_new_random (self->workload->input_seed);
  return eng_input_load (self->paths->pdata[index % self->paths->len], self->cancellable, error);
}

/* A folder may hold more than inputs (licences, labels, sounds beside pictures): what it listed and
 * what cannot be read or fed is left out, with a note. FALSE: it must be an error, because the file
 * was named, or because nothing would be left. */
static gboolean
leave_out (EngMeasureInput *self, guint index, const GError *why)
{
  if (self->paths->len < 2 || why->domain != ENG_ERROR)
    return FALSE;
  guint at = index % self->paths->len;
  if (!g_hash_table_contains (self->listed, self->paths->pdata[at]))
    return FALSE;
  g_ptr_array_add (self->notes, g_strdup_printf ("%s was left out: %s",
                                                 (char *)self->paths->pdata[at], why->message));
  g_hash_table_remove (self->listed, self->paths->pdata[at]);
  g_ptr_array_remove_index (self->paths, at);
  return TRUE;
}

/* The run for the kind of the first input that can be read. */
static gboolean
make_run (EngMeasureInput *self, EngBuild *build, EngMeasureMakeRun make, gpointer user_data,
          GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (EngInput) first = load_input (self, 0, &local);

  while (first == NULL && leave_out (self, 0, local))
    {
      g_clear_error (&local);
      first = load_input (self, 0, &local);
    }
  if (first == NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  else
    self->run = make (build, eng_input_get_kind (first), user_data, error);
  return self->run != NULL;
}

static EngTaskRun *
make_run_here (EngBuild *build, EngInputKind kind, gpointer user_data, GError **error)
{
  return eng_task_run_new (build, kind, error);
}

gboolean
eng_measure_input_init (EngMeasureInput *self, EngBuild *build, const EngWorkload *workload,
                        GError **error)
{
  return eng_measure_input_init_with (self, build, workload, make_run_here, NULL, error);
}

gboolean
eng_measure_input_init_with (EngMeasureInput *self, EngBuild *build, const EngWorkload *workload,
                             EngMeasureMakeRun make, gpointer user_data, GError **error)
{
  *self = (EngMeasureInput){ .workload = workload,
                             .paths = g_ptr_array_new_with_free_func (g_free),
                             .listed = g_hash_table_new (g_str_hash, g_str_equal),
                             .notes = g_ptr_array_new_with_free_func (g_free),
                             .last_exec_ns = NAN,
                             .last_nodes_ns = NAN,
                             .traced = TRUE, /* the first warms up */
                             .inference = samples_new (),
                             .pre = samples_new (),
                             .network = samples_new (),
                             .post = samples_new (),
                             .nodes = samples_new (),
                             .overhead = samples_new (),
                             .around = samples_new (),
                             .reading = samples_new () };
  return list_inputs (self, error) && make_run (self, build, make, user_data, error);
}

void
eng_measure_input_clear (EngMeasureInput *self)
{
  g_hash_table_unref (self->listed);
  g_ptr_array_unref (self->paths);
  g_ptr_array_unref (self->notes);
  eng_task_run_free (self->run);
  g_clear_pointer (&self->last, eng_input_unref);
  g_clear_pointer (&self->result, eng_result_unref);
  g_array_unref (self->inference);
  g_array_unref (self->pre);
  g_array_unref (self->network);
  g_array_unref (self->post);
  g_array_unref (self->nodes);
  g_array_unref (self->overhead);
  g_array_unref (self->around);
  g_array_unref (self->reading);
}

RtExec *
eng_measure_input_get_exec (EngMeasureInput *self)
{
  return self->run->exec;
}

/* ---- One inference ---- */

/* What one step took. */
typedef struct
{
  double feed_ns, exec_ns, collect_ns;
} Times;

static void
add_clean (EngMeasureInput *self, const Times *times)
{
  add_sample (self->inference, times->feed_ns + times->exec_ns + times->collect_ns);
  eng_profiler_add_clean (self->profiler, RT_PHASE_INFERENCE, (guint)self->run->symbols[0],
                          times->exec_ns);
  self->last_exec_ns = times->exec_ns;
}

static void
add_traced (EngMeasureInput *self, const Times *times)
{
  double nodes_ns = eng_profiler_drain (self->profiler);
  int n_layers = (int)eng_model_get_n_layers (self->run->model);
  if (isnan (nodes_ns))
    return;
  double before = eng_profiler_get_last_layer_ns (self->profiler, -1);
  double behind = eng_profiler_get_last_layer_ns (self->profiler, n_layers);
  add_sample (self->pre, times->feed_ns + before);
  add_sample (self->network, nodes_ns - before - behind);
  add_sample (self->post, times->collect_ns + behind);
  add_sample (self->nodes, nodes_ns);
  double all_ns = times->feed_ns + nodes_ns + times->collect_ns;
  if (all_ns > 0)
    add_sample (self->around, 1 - (nodes_ns - before - behind) / all_ns);
  self->last_nodes_ns = nodes_ns;
}

/* Each clean inference and the instrumented one beside it are a pair, once. */
static void
add_pair (EngMeasureInput *self)
{
  if (isnan (self->last_exec_ns) || isnan (self->last_nodes_ns) || self->last_exec_ns <= 0)
    return;
  add_sample (self->overhead, self->last_nodes_ns / self->last_exec_ns - 1);
  self->last_exec_ns = self->last_nodes_ns = NAN;
}

/* Step @step of the input that was begun; @begin_ns: what beginning took, when it belongs to this
 * inference. After the last step self->result is there. */
static gboolean
step_once (EngMeasureInput *self, guint step, double begin_ns, GError **error)
{
  EngTaskRun *run = self->run;
  RtError rt_error = { 0 };

  if (g_cancellable_is_cancelled (self->cancellable))
    {
      self->cancelled = TRUE;
      return TRUE;
    }
  rt_exec_set_tracing (run->exec, self->traced);
  guint64 start = rt_now_ns ();
  eng_task_run_feed (run, step);
  guint64 fed = rt_now_ns ();
  gboolean ok = eng_task_run_infer (run, &rt_error);
  guint64 done = rt_now_ns ();
  if (!ok && rt_error.status == RT_ERROR_CANCELLED)
    {
      self->cancelled = TRUE;
      return TRUE;
    }
  if (!ok)
    return eng_error_take_rt (&rt_error, error);
  eng_task_run_collect (run, step);
  if (step + 1 == run->n_steps)
    {
      g_clear_pointer (&self->result, eng_result_unref);
      self->result = eng_task_run_finish (run);
    }
  guint64 end = rt_now_ns ();

  Times times = { (double)(fed - start) + begin_ns, (double)(done - fed), (double)(end - done) };
  self->n_inferences++;
  if (self->traced)
    add_traced (self, &times);
  else
    add_clean (self, &times);
  add_pair (self);
  self->traced = !self->traced;
  return TRUE;
}

/* Begin @input and run all its steps, but no longer than until @deadline_ns (0: to the end). */
static gboolean
run_input (EngMeasureInput *self, EngInput *input, double reading_ns, guint64 deadline_ns,
           GError **error)
{
  guint64 start = rt_now_ns ();
  if (!eng_task_run_begin (self->run, input, error))
    return FALSE;
  double begin_ns = (double)(rt_now_ns () - start);
  if (eng_input_get_kind (input) == ENG_INPUT_RANDOM)
    begin_ns = 0; /* making random numbers is nobody's work */
  gboolean single = self->run->n_steps == 1;

  self->n_inputs++;
  if (reading_ns >= 0)
    add_sample (self->reading, reading_ns + (single ? 0 : begin_ns));
  for (guint step = 0; step < self->run->n_steps && !self->cancelled; step++)
    {
      if (deadline_ns > 0 && rt_now_ns () > deadline_ns)
        break;
      if (!single && step % 64 == 0)
        tell_stage (self, "Running over the sound", (double)step / self->run->n_steps);
      if (!step_once (self, step, single ? begin_ns : 0, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
try_path (EngMeasureInput *self, guint index, GError **error)
{
  guint64 start = rt_now_ns ();
  g_autoptr (EngInput) input = load_input (self, index, error);
  if (input == NULL)
    return FALSE;
  double reading_ns = self->paths->len > 0 ? (double)(rt_now_ns () - start) : -1;
  gboolean ok = run_input (self, input, reading_ns, 0, error);
  if (self->run->note != NULL) /* once */
    g_ptr_array_add (self->notes, g_steal_pointer (&self->run->note));
  if (!ok)
    return FALSE;
  g_clear_pointer (&self->last, eng_input_unref);
  self->last = g_steal_pointer (&input);
  if (!self->cancelled && self->events != NULL && self->events->result != NULL)
    self->events->result (self->result, self->events->user_data);
  return TRUE;
}

/* Input @index, or the next one that is an input. */
static gboolean
run_path (EngMeasureInput *self, guint index, GError **error)
{
  for (;;)
    {
      g_autoptr (GError) local = NULL;
      if (try_path (self, index, &local))
        return TRUE;
      if (!leave_out (self, index, local))
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
      if (index >= self->paths->len)
        return TRUE; /* it was the last */
    }
}

/* ---- Modes ---- */

gboolean
eng_measure_input_once (EngMeasureInput *self, GError **error)
{
  for (guint i = 0; i < MAX (self->paths->len, 1) && !self->cancelled; i++)
    {
      guint n = MAX (self->paths->len, 1); /* fewer when a folder held other files */
      tell_stage (self, n > 1 ? "Running the inputs" : "Running the input", (double)i / n);
      if (!run_path (self, i, error))
        return FALSE;
    }
  return TRUE;
}

/* Whether the headline needs more; asked for a number of repeats, only that number counts. */
static gboolean
needs_more (EngMeasureInput *self, RtRepeat *repeat, guint n_before, guint64 start_ns)
{
  self->ended = rt_repeat_decide (repeat, (const double *)self->inference->data,
                                  self->inference->len, self->inference->len - n_before,
                                  (double)(rt_now_ns () - start_ns) * 1e-9);
  /* Layers of one clean sample asked for need one instrumented inference beside it. */
  if (self->ended == RT_REPEAT_ENOUGH && self->nodes->len < MIN (repeat->rule.n_max, FEWEST_NODES))
    return TRUE;
  return self->ended == RT_REPEAT_MORE;
}

gboolean
eng_measure_input_repeat (EngMeasureInput *self, GError **error)
{
  const EngWorkload *workload = self->workload;
  gboolean asked = workload->n_repeats > 0;
  RtRepeatRule rule = { .target_width = asked ? 0 : workload->interval_width,
                        .budget_s = asked ? INFINITY : workload->budget_s,
                        .n_min = RT_REPEAT_MIN,
                        .n_max = asked ? workload->n_repeats : MOST_INFERENCES };
  guint64 start = rt_now_ns ();
  guint64 longest_ns = (guint64)(RT_REPEAT_OVERRUN * workload->budget_s * 1e9);
  guint n_before = self->inference->len;
  RtRepeat repeat;

  if (self->cancelled || self->last == NULL)
    return TRUE;
  EngResult *result = self->result != NULL ? eng_result_ref (self->result) : NULL;
  gboolean ok = TRUE;
  rt_repeat_init (&repeat, &rule);
  while (ok && !self->cancelled && needs_more (self, &repeat, n_before, start))
    {
      tell_stage (self, "Measuring again",
                  asked ? (double)self->inference->len / workload->n_repeats : -1);
      ok = run_input (self, self->last, -1, asked ? 0 : start + longest_ns, error);
    }
  if (self->cancelled)
    self->ended = RT_REPEAT_MORE;
  /* The text of the run is that of the whole input: a repeat may have been cut short. */
  g_clear_pointer (&self->result, eng_result_unref);
  self->result = result;
  self->cancelled = FALSE; /* every input was run: stopping now only means fewer repeats */
  return ok;
}

/* Until input @index is due; counts one that is late. */
static void
wait_for_time (EngMeasureInput *self, guint64 start_ns, guint64 index)
{
  double rate = self->workload->rate_hz;
  if (!(rate > 0))
    return;
  guint64 due = start_ns + (guint64)((double)index * 1e9 / rate);
  guint64 now = rt_now_ns ();
  /* One period late is late; less is the scheduler. */
  if (now > due + (guint64)(1e9 / rate))
    self->n_late++;
  while (now < due && !g_cancellable_is_cancelled (self->cancellable))
    {
      g_usleep (MIN ((due - now) / 1000 + 1, WAIT_US));
      now = rt_now_ns ();
    }
}

/* What a person watches a running rate for: whether it is kept. */
static void
tell_rhythm (EngMeasureInput *self, double progress)
{
  if (self->workload->rate_hz > 0)
    g_snprintf (self->rhythm, sizeof self->rhythm, "Running: %u inputs, %u late", self->n_inputs,
                self->n_late);
  else
    g_snprintf (self->rhythm, sizeof self->rhythm, "Running: %u inputs", self->n_inputs);
  tell_stage (self, self->rhythm, progress);
}

gboolean
eng_measure_input_continuous (EngMeasureInput *self, GError **error)
{
  guint64 start = rt_now_ns ();
  double seconds = self->workload->seconds;
  guint at = 0; /* not i modulo their number, which may fall */

  for (guint64 i = 0; !self->cancelled; i++, at++)
    {
      double spent = (double)(rt_now_ns () - start) * 1e-9;
      if (spent >= seconds && i > 0)
        break;
      wait_for_time (self, start, i);
      if (g_cancellable_is_cancelled (self->cancellable))
        break;
      tell_rhythm (self, isinf (seconds) ? -1 : spent / seconds);
      if (at >= self->paths->len)
        at = 0;
      if (!run_path (self, at, error))
        return FALSE;
    }
  /* Without an end, stopping is how it ends. */
  if (isinf (seconds) && self->n_inferences > 0)
    self->cancelled = FALSE;
  return TRUE;
}

/* ---- Counting ---- */

#define COUNTED_STEPS 6
#define COUNTED_NS 500000000ull

gboolean
eng_measure_input_count (EngMeasureInput *self, GError **error)
{
  EngTaskRun *run = self->run;
  double times[COUNTED_STEPS];
  guint n = 0;
  RtError rt_error = { 0 };
  guint64 start = rt_now_ns ();

  if (self->last == NULL || g_cancellable_is_cancelled (self->cancellable))
    return TRUE;
  rt_exec_set_tracing (run->exec, false);
  if (!rt_exec_count_begin (run->exec, self->workload->counters, &rt_error))
    {
      eng_profiler_refuse_counts (self->profiler, self->workload->counters, rt_error.message);
      return TRUE;
    }
  tell_stage (self, "Counting", -1);
  gboolean ok = eng_task_run_begin (run, self->last, error);
  /* The first step warms up and is not counted; all are of the input's beginning. */
  for (guint i = 0; ok && i <= COUNTED_STEPS && (i < 2 || rt_now_ns () - start < COUNTED_NS); i++)
    {
      eng_task_run_feed (run, 0);
      guint64 began = rt_now_ns ();
      if (!eng_task_run_infer (run, &rt_error))
        {
          ok = rt_error.status == RT_ERROR_CANCELLED || eng_error_take_rt (&rt_error, error);
          break;
        }
      if (i == 0)
        rt_exec_count_clear (run->exec);
      else
        times[n++] = (double)(rt_now_ns () - began);
    }
  if (ok && n > 0 && rt_error.status == RT_OK)
    {
      EngFigure step = eng_figure_from_samples (times, n, "ns");
      eng_profiler_add_counts (self->profiler, run->exec, self->workload->counters,
                               RT_PHASE_INFERENCE, n, step.value);
    }
  rt_exec_count_end (run->exec);
  return ok;
}
