/* The passes of a network, as the studio measures itself (engine/eng-measure-input.c): every input
 * once, clean and instrumented inferences in turn, then the last one again until the budget is
 * spent or the number of repeats is reached. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rn-run.h"

/* Instrumented inferences that layers rest on at least, and clean ones that are enough for
 * anything. */
#define FEWEST_NODES 7
#define MOST_INFERENCES 2000

/* Outputs must come home: between passes a slow reader is waited for, so long. */
#define OUTPUT_PATIENCE_NS 30000000000ull

/* Of one output: in base64 it is a third more, and readers take lines of 16 MB. */
#define MOST_OUTPUT_BYTES ((12u << 20) - 65536u)

typedef struct
{
  RtValueId id;
  uint8_t *bytes; /* aligned */
  uint64_t n_bytes;
} Tensor;

typedef struct
{
  RnRun *run;
  Tensor *inputs, *outputs;
  uint32_t n_inputs, n_outputs;
  uint64_t input_bytes; /* of all inputs of one inference */
  bool traced;          /* the next inference is */
  RnSamples inferences; /* clean */
  uint32_t n_traced;
} Inputs;

/* ---- The graph's ends ---- */

static bool
add_tensors (Inputs *self, RtValueKind kind, Tensor **tensors, uint32_t *n, RtError *error)
{
  RnRun *run = self->run;
  const RtGraph *graph = run->build.graph;
  uint32_t n_values = rt_graph_n_values (graph);

  *tensors = calloc (n_values + 1, sizeof **tensors);
  for (RtValueId id = 0; *tensors != NULL && id < n_values; id++)
    {
      const RtValue *value = rt_graph_value (graph, id);
      if (value->kind != kind)
        continue;
      Tensor *tensor = &(*tensors)[(*n)++];
      tensor->id = id;
      tensor->n_bytes = rt_value_bytes (value, run->build.config.max_symbols);
      tensor->bytes = aligned_alloc (KN_ALIGN, (size_t)(tensor->n_bytes / KN_ALIGN + 1) * KN_ALIGN);
      if (tensor->bytes == NULL)
        return rt_fail (error, RT_ERROR_MEMORY, "No memory for %s (%" PRIu64 " bytes)", value->name,
                        tensor->n_bytes);
    }
  return *tensors != NULL || rt_fail (error, RT_ERROR_MEMORY, "No memory for the list of tensors");
}

static void
free_tensors (Tensor *tensors, uint32_t n)
{
  for (uint32_t i = 0; tensors != NULL && i < n; i++)
    free (tensors[i].bytes);
  free (tensors);
}

static bool
check (Inputs *self, RtError *error)
{
  const RtWork *work = &self->run->work;

  for (uint32_t i = 0; i < self->n_inputs; i++)
    self->input_bytes += self->inputs[i].n_bytes;
  if (work->data_bytes / work->n_inputs == self->input_bytes)
    return true;
  return rt_fail (error, RT_ERROR_RANGE,
                  "An input of the work has %" PRIu64 " bytes, and the build's inputs take %" PRIu64
                  ": the work file is of another model",
                  work->data_bytes / work->n_inputs, self->input_bytes);
}

/* ---- One inference ---- */

/* From the work file, outside of what is timed. */
static void
load (Inputs *self, uint32_t index)
{
  const uint8_t *next = (const uint8_t *)self->run->work.data + index * self->input_bytes;

  for (uint32_t i = 0; i < self->n_inputs; i++)
    {
      memcpy (self->inputs[i].bytes, next, (size_t)self->inputs[i].n_bytes);
      next += self->inputs[i].n_bytes;
    }
  if (index % self->run->work.n_steps == 0)
    rt_exec_reset_state (self->run->exec);
}

static uint64_t
output_bytes (const Inputs *self, const Tensor *output, RtShape *shape)
{
  const RtValue *value = rt_graph_value (self->run->build.graph, output->id);
  uint64_t n;

  rt_exec_value_shape (self->run->exec, output->id, shape);
  n = rt_shape_n (shape) * rt_type_bytes (value->type);
  return n < output->n_bytes ? n : output->n_bytes;
}

/* Fed, run, read out. True with run->cancelled: it was stopped. */
static bool
infer (Inputs *self, bool traced, RnPass *pass, RtError *error)
{
  RnRun *run = self->run;
  RtShape shape;

  *pass = (RnPass){ .phase = RT_PHASE_INFERENCE, .traced = traced, .nodes_ns = NAN };
  if (!rn_run_begin_pass (run, traced))
    return true;
  uint64_t start = rt_now_ns ();
  for (uint32_t i = 0; i < self->n_inputs; i++)
    rt_exec_set_input (run->exec, self->inputs[i].id, self->inputs[i].bytes);
  uint64_t fed = rt_now_ns ();
  bool ok = rt_exec_infer (run->exec, NULL, RT_PHASE_INFERENCE, error);
  uint64_t done = rt_now_ns ();
  for (uint32_t i = 0; ok && i < self->n_outputs; i++)
    memcpy (self->outputs[i].bytes, rt_exec_value (run->exec, self->outputs[i].id),
            (size_t)output_bytes (self, &self->outputs[i], &shape));
  pass->total_ns = rt_now_ns () - start;
  pass->ns = done - fed;
  rn_run_end_pass (run);
  if (!ok && error->status == RT_ERROR_CANCELLED)
    {
      run->cancelled = true;
      return true;
    }
  return ok;
}

static bool
infer_and_tell (Inputs *self, RtError *error)
{
  RnRun *run = self->run;
  bool traced = self->traced;
  RnPass pass;

  if (!infer (self, traced, &pass, error))
    return false;
  if (run->cancelled)
    return true;
  pass.n_tokens = (uint32_t)run->build.config.max_symbols[0];
  if (traced)
    pass.nodes_ns = rn_trace_take (run);
  rn_run_tell_pass (run, &pass);
  self->n_traced += traced;
  self->traced = !traced;
  return traced || rn_samples_add (&self->inferences, (double)pass.total_ns, error);
}

static void
tell_too_large (Inputs *self, const char *name, uint64_t n_bytes)
{
  RnLine *line = &self->run->line;
  char message[300];

  snprintf (message, sizeof message,
            "The output %.100s has %" PRIu64
            " bytes, and a line of telemetry carries %u at most. Run "
            "with \"outputs none\" to measure without it.",
            name, n_bytes, MOST_OUTPUT_BYTES);
  rn_line_begin (line, "error");
  rn_line_string (line, "code", "range");
  rn_line_string (line, "where", "output");
  rn_line_string (line, "message", message);
  rn_output_send (self->run->output, line, RN_LINE_NORMAL);
}

static void
tell_outputs (Inputs *self, uint32_t input)
{
  RnRun *run = self->run;
  RnLine *line = &run->line;
  RtShape shape;

  for (uint32_t i = 0; i < self->n_outputs; i++)
    {
      const RtValue *value = rt_graph_value (run->build.graph, self->outputs[i].id);
      uint64_t n_bytes = output_bytes (self, &self->outputs[i], &shape);
      if (n_bytes > MOST_OUTPUT_BYTES)
        {
          tell_too_large (self, value->name, n_bytes);
          continue;
        }
      rn_line_begin (line, "output");
      rn_line_uint (line, "input", input);
      rn_line_string (line, "value", value->name);
      rn_line_string (line, "type", rt_type_name (value->type));
      rn_line_open (line, "shape", '[');
      for (uint32_t d = 0; d < shape.n_dims; d++)
        rn_line_int (line, NULL, shape.dims[d]);
      rn_line_close (line, ']');
      rn_line_base64 (line, "base64", self->outputs[i].bytes, (size_t)n_bytes);
      rn_output_send_patiently (run->output, line, OUTPUT_PATIENCE_NS);
    }
}

/* ---- Modes ---- */

static bool
run_all (Inputs *self, RtError *error)
{
  RnRun *run = self->run;
  const RtWork *work = &run->work;

  rn_run_stage (run, "inputs", 0);
  for (uint32_t i = 0; i < work->n_inputs; i++)
    {
      rn_run_progress (run, (double)i / work->n_inputs);
      load (self, i);
      if (!infer_and_tell (self, error))
        return false;
      if (run->cancelled)
        return true;
      if (work->outputs == RT_WORK_OUTPUTS_ALL
          || (work->outputs == RT_WORK_OUTPUTS_LAST && i + 1 == work->n_inputs))
        tell_outputs (self, i);
    }
  return true;
}

/* The last group of steps again and again. */
static bool
repeat_last (Inputs *self, RtError *error)
{
  RnRun *run = self->run;
  const RtWork *work = &run->work;
  bool asked = work->n_repeats > 0;
  RtRepeatRule rule = { .target_width = asked ? 0 : work->interval,
                        .budget_s = asked ? INFINITY : work->budget_s,
                        .n_min = RT_REPEAT_MIN,
                        .n_max = asked ? work->n_repeats : MOST_INFERENCES };
  RnRepeat repeat;
  uint32_t first = work->n_inputs - work->n_steps;
  uint32_t fewest_traced = asked && work->n_repeats < FEWEST_NODES ? work->n_repeats : FEWEST_NODES;

  rn_run_stage (run, "repeat", 0);
  rn_repeat_begin (&repeat, &rule, &self->inferences);
  for (uint32_t i = 0; !run->cancelled; i++)
    {
      bool more = rn_repeat_more (&repeat);
      /* Layers of clean samples asked for need instrumented inferences beside them. */
      if (!more && !(asked && self->n_traced < fewest_traced))
        break;
      rn_run_progress (run, asked ? (double)self->inferences.n / work->n_repeats
                                  : rn_repeat_spent (&repeat));
      load (self, first + i % work->n_steps);
      if (!infer_and_tell (self, error))
        return false;
    }
  rn_repeat_tell (run, RT_PHASE_INFERENCE, &repeat);
  return true;
}

static bool
energy_pass (RnRun *run, void *data, uint32_t *n_units, RtError *error)
{
  Inputs *self = data;
  const RtWork *work = &run->work;
  RnPass pass;

  for (uint32_t i = 0; i < work->n_steps; i++)
    {
      load (self, work->n_inputs - work->n_steps + i);
      if (!infer (self, false, &pass, error) || run->cancelled)
        return false;
    }
  *n_units = work->n_steps;
  return true;
}

bool
rn_inputs_run (RnRun *run, RtError *error)
{
  Inputs self = { .run = run };

  run->where = "inputs";
  bool ok = add_tensors (&self, RT_VALUE_INPUT, &self.inputs, &self.n_inputs, error)
            && add_tensors (&self, RT_VALUE_OUTPUT, &self.outputs, &self.n_outputs, error)
            && check (&self, error);
  run->where = "passes";
  ok = ok && run_all (&self, error);
  ok = ok && (run->cancelled || repeat_last (&self, error));
  ok = ok
       && (run->cancelled
           || rn_energy_measure (run, RT_PHASE_INFERENCE, run->work.budget_s, energy_pass, &self,
                                 error)
           || run->cancelled);
  rn_samples_clear (&self.inferences);
  free_tensors (self.inputs, self.n_inputs);
  free_tensors (self.outputs, self.n_outputs);
  return ok;
}
