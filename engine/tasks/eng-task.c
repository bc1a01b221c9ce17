/* The tables of front ends and tasks, and running one input through them. Called by runs and by the
 * evaluation; knows no front end and no task. */
#include "tasks/eng-task.h"

#include <math.h>
#include <string.h>

#include "eng-build-private.h"
#include "eng-error.h"
#include "tasks/eng-region.h"
#include "tasks/eng-task-far.h"
#include "tasks/eng-tasks.h"

static const EngFront *const fronts[] = {
  &eng_front_tensor, &eng_front_picture, &eng_front_frames, &eng_front_mel, &eng_front_micro,
};

static const EngTask *const tasks[] = {
  &eng_task_tensor,  &eng_task_classify, &eng_task_detect,   &eng_task_points,  &eng_task_segment,
  &eng_task_picture, &eng_task_denoise,  &eng_task_activity, &eng_task_anomaly,
};

const EngFront *
eng_front_find (const char *id)
{
  for (guint i = 0; i < G_N_ELEMENTS (fronts); i++)
    if (g_strcmp0 (fronts[i]->id, id) == 0)
      return fronts[i];
  return NULL;
}

const EngTask *
eng_task_find (const char *id)
{
  for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
    if (g_strcmp0 (tasks[i]->id, id) == 0)
      return tasks[i];
  return NULL;
}

const EngTask *const *
eng_task_list (guint *n)
{
  *n = G_N_ELEMENTS (tasks);
  return tasks;
}

char *
eng_front_dup_list (void)
{
  GString *list = g_string_new (NULL);
  for (guint i = 0; i < G_N_ELEMENTS (fronts); i++)
    g_string_append_printf (list, "%s%s", i > 0 ? ", " : "", fronts[i]->id);
  return g_string_free (list, FALSE);
}

char *
eng_task_dup_list (void)
{
  GString *list = g_string_new (NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
    g_string_append_printf (list, "%s%s", i > 0 ? ", " : "", tasks[i]->id);
  return g_string_free (list, FALSE);
}

/* ---- Making ---- */

static RtValueId *
find_values (const RtGraph *graph, const char *const *names, guint *n)
{
  *n = g_strv_length ((GStrv)names);
  RtValueId *ids = g_new (RtValueId, *n + 1);
  for (guint i = 0; i < *n; i++)
    ids[i] = rt_graph_find_value (graph, names[i]);
  return ids;
}

/* What the run is of; where it infers is not known yet. */
static EngTaskRun *
make_run (EngBuild *build, EngInputKind kind, GError **error)
{

  EngModel *model = eng_build_get_model (build);
  if (eng_model_get_kind (model) != ENG_MODEL_NETWORK)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                   "%s is a language model: it takes a prompt, not files of inputs",
                   eng_model_get_name (model));
      return NULL;
    }
  EngCard *card = eng_model_get_card (model);
  gboolean tensors = kind == ENG_INPUT_ARRAY || kind == ENG_INPUT_BYTES;
  gboolean bare = tensors && strcmp (eng_card_get_front (card), "tensor") != 0;
  EngBuild *used = bare ? eng_build_get_bare (build, error) : build;
  if (used == NULL)
    return NULL;

  EngTaskRun *self = g_new0 (EngTaskRun, 1);
  self->build = g_object_ref (used);
  self->model = model;
  self->card = card;
  self->bare = bare;
  self->front = bare ? &eng_front_tensor : eng_front_find (eng_card_get_front (card));
  self->task = eng_task_find (eng_card_get_task (card));
  return self;
}

EngTaskRun *
eng_task_run_new (EngBuild *build, EngInputKind kind, GError **error)
{
  g_return_val_if_fail (ENG_IS_BUILD (build), NULL);

  EngTaskRun *self = make_run (build, kind, error);
  if (self == NULL)
    return NULL;
  EngModel *model = self->model;
  self->exec = eng_build_get_exec (self->build);
  self->graph = eng_build_get_graph (self->build);
  self->inputs
      = find_values (self->graph, eng_model_get_graph_inputs (model, self->bare), &self->n_inputs);
  self->outputs = find_values (self->graph, eng_model_get_graph_outputs (model, self->bare),
                               &self->n_outputs);
  for (guint i = 0; i < self->n_inputs + self->n_outputs; i++)
    if ((i < self->n_inputs ? self->inputs[i] : self->outputs[i - self->n_inputs]) == RT_NONE)
      {
        g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                     "%s: an input or output was lost while the network was prepared",
                     eng_model_get_name (model));
        eng_task_run_free (self);
        return NULL;
      }
  return self;
}

EngTaskRun *
eng_task_run_new_far (EngBuild *build, EngInputKind kind, EngTaskFarInfer infer, gpointer user_data,
                      GError **error)
{
  g_return_val_if_fail (ENG_IS_BUILD (build) && infer != NULL, NULL);

  EngTaskRun *self = make_run (build, kind, error);
  if (self == NULL)
    return NULL;
  self->far = eng_task_far_new (self, infer, user_data, error);
  if (self->far != NULL)
    return self;
  eng_task_run_free (self);
  return NULL;
}

static void
clear_input (EngTaskRun *self)
{
  if (self->front_data != NULL && self->front_free != NULL)
    self->front_free (self->front_data);
  if (self->task_data != NULL && self->task_free != NULL)
    self->task_free (self->task_data);
  self->front_data = self->task_data = NULL;
  g_clear_pointer (&self->input, eng_input_unref);
}

void
eng_task_run_free (EngTaskRun *self)
{
  if (self == NULL)
    return;
  clear_input (self);
  eng_region_free (self->region_finder);
  eng_task_run_free (self->second);
  g_free (self->note);
  if (self->far != NULL)
    eng_task_far_free (self->far); /* has them */
  else
    {
      g_free (self->inputs);
      g_free (self->outputs);
    }
  g_object_unref (self->build);
  g_free (self);
}

/* ---- Running ---- */

static gboolean
check_kind (EngTaskRun *self, EngInput *input, GError **error)
{
  EngInputKind kind = eng_input_get_kind (input);
  if (kind == ENG_INPUT_RANDOM || (self->front->inputs >> kind & 1) != 0)
    return TRUE;

  g_autoptr (GString) takes = g_string_new (NULL);
  for (EngInputKind k = ENG_INPUT_PICTURE; k < ENG_INPUT_RANDOM; k++)
    if (self->front->inputs >> k & 1)
      g_string_append_printf (takes, "%s%s", takes->len > 0 ? " or " : "", eng_input_kind_name (k));
  g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED, "%s is %s; %s takes %s%s",
               eng_input_get_name (input), eng_input_kind_name (kind),
               eng_model_get_name (self->model), takes->str,
               self->front == &eng_front_tensor
                   ? ". A network card (NAME.card.json beside the file) can say how pictures or "
                     "sounds become its input."
                   : "");
  return FALSE;
}

gboolean
eng_task_run_begin (EngTaskRun *self, EngInput *input, GError **error)
{
  clear_input (self);
  if (!check_kind (self, input, error))
    return FALSE;
  if (self->far != NULL)
    eng_task_far_begin (self);
  self->input = eng_input_ref (input);
  self->n_steps = 1;
  self->n_warm = 0;
  self->has_frame = self->has_region = FALSE;
  self->rate_hz = 0;
  self->step_s = self->start_s = 0;
  self->picture_width = self->picture_height = 0;
  eng_build_get_max_symbols (self->build, self->symbols);
  rt_exec_reset_state (self->exec);
  if (!self->front->begin (self, input, error))
    return FALSE;
  if (self->far != NULL)
    eng_task_far_use_back (self);
  return self->task->begin == NULL || self->task->begin (self, error);
}

void
eng_task_run_feed (EngTaskRun *self, guint step)
{
  if (self->far != NULL)
    eng_task_far_use_front (self);
  self->front->feed (self, step);
}

gboolean
eng_task_run_infer (EngTaskRun *self, RtError *error)
{
  return self->far != NULL
             ? eng_task_far_infer (self, error)
             : rt_exec_infer (self->exec, self->symbols, RT_PHASE_INFERENCE, error);
}

void
eng_task_run_collect (EngTaskRun *self, guint step)
{
  if (self->task->collect != NULL)
    self->task->collect (self, step);
}

EngResult *
eng_task_run_finish (EngTaskRun *self)
{
  return self->task->finish (self);
}

EngResult *
eng_task_run_all (EngTaskRun *self, EngInput *input, GError **error)
{
  if (!eng_task_run_begin (self, input, error))
    return NULL;
  for (guint step = 0; step < self->n_steps; step++)
    {
      RtError rt_error = { 0 };
      eng_task_run_feed (self, step);
      if (!eng_task_run_infer (self, &rt_error))
        {
          eng_error_take_rt (&rt_error, error);
          return NULL;
        }
      eng_task_run_collect (self, step);
    }
  return eng_task_run_finish (self);
}

/* ---- For front ends and tasks ---- */

/* Which scale element @index has. */
static guint
quant_index (const RtQuant *quant, const RtShape *shape, guint64 index)
{
  guint64 inner = 1;
  if (quant->n == 1)
    return 0;
  for (guint i = (guint)quant->axis + 1; i < shape->n_dims; i++)
    inner *= (guint64)shape->dims[i];
  return (guint)(index / inner % quant->n);
}

float *
eng_task_dup_output (EngTaskRun *self, guint index, gsize *n, RtShape *shape)
{
  RtValueId id = self->outputs[index];
  const RtValue *value = rt_graph_value (self->graph, id);
  const void *data = rt_exec_value (self->exec, id);
  RtShape bound;

  rt_exec_value_shape (self->exec, id, &bound);
  *n = rt_shape_n (&bound);
  if (shape != NULL)
    *shape = bound;
  float *floats = g_new (float, MAX (*n, 1));
  if (value->type == RT_TYPE_F32)
    {
      memcpy (floats, data, *n * sizeof *floats);
      return floats;
    }
  for (gsize i = 0; i < *n; i++)
    {
      double v = eng_element_get (value->type, data, i);
      if (value->quant != NULL)
        {
          guint q = quant_index (value->quant, &bound, i);
          v = (double)value->quant->scales[q] * (v - value->quant->zero_points[q]);
        }
      floats[i] = (float)v;
    }
  return floats;
}

guint
eng_task_find_output (EngTaskRun *self, const char *name)
{
  for (guint i = 0; i < self->n_outputs; i++)
    if (strcmp (rt_graph_value (self->graph, self->outputs[i])->name, name) == 0)
      return i;
  for (guint i = 0; i < self->n_outputs; i++)
    if (strstr (rt_graph_value (self->graph, self->outputs[i])->name, name) != NULL)
      return i;
  return G_MAXUINT;
}

void
eng_task_set_front_data (EngTaskRun *self, gpointer data, GDestroyNotify free_data)
{
  self->front_data = data;
  self->front_free = free_data;
}

void
eng_task_set_task_data (EngTaskRun *self, gpointer data, GDestroyNotify free_data)
{
  self->task_data = data;
  self->task_free = free_data;
}

void
eng_task_map_point (EngTaskRun *self, float *x, float *y)
{
  if (!self->has_frame)
    return;
  if (self->has_region)
    {
      const float *r = self->region, u = *x, v = *y;
      *x = r[0] * u + r[1] * v + r[2];
      *y = r[3] * u + r[4] * v + r[5];
      return;
    }
  *x = (self->frame.left + *x * self->frame.width) / (float)self->picture_width;
  *y = (self->frame.top + *y * self->frame.height) / (float)self->picture_height;
}

void
eng_task_feed_floats (EngTaskRun *self, guint index, const float *values, gsize n)
{
  const RtValue *value = rt_graph_value (self->graph, self->inputs[index]);
  g_return_if_fail (rt_shape_n (&value->shape) == n);

  if (value->type == RT_TYPE_F32)
    {
      rt_exec_set_input (self->exec, self->inputs[index], values);
      return;
    }
  g_autofree guint8 *bytes = g_malloc0 (n * rt_type_bytes (value->type) + 1);
  for (gsize i = 0; i < n; i++)
    {
      double v = (double)values[i];
      if (value->quant != NULL)
        {
          guint q = quant_index (value->quant, &value->shape, i);
          v = v / (double)value->quant->scales[q] + value->quant->zero_points[q];
        }
      eng_element_set (value->type, bytes, i, v);
    }
  rt_exec_set_input (self->exec, self->inputs[index], bytes);
}

void
eng_task_fill_random (int type, gpointer data, guint64 n, guint64 seed)
{
  /* xorshift* of Marsaglia 2003 and Vigna 2016: the same on every machine. */
  guint64 state = seed * 2862933555777941757u + 3037000493u;
  for (guint64 i = 0; i < n; i++)
    {
      state ^= state >> 12;
      state ^= state << 25;
      state ^= state >> 27;
      double unit = (double)((state * 2685821657736338717u) >> 11) / 9007199254740992.0;
      double value = 2 * unit - 1;
      if (type == RT_TYPE_I8)
        value = floor (256 * unit) - 128;
      else if (type == RT_TYPE_U8)
        value = floor (256 * unit);
      else if (type != RT_TYPE_F32 && type != RT_TYPE_F64 && type != RT_TYPE_F16)
        value = unit < 0.5 ? 0 : 1; /* indices and switches: what is always in range */
      eng_element_set (type, data, i, value);
    }
}
