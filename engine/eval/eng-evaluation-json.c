/* An evaluation from and to its JSON object, a member of a run's document. A figure that is not
 * available is null with its reason; intervals that there are none of are null. */
#include "eval/eng-evaluation-private.h"

#include <math.h>

#include "eng-error.h"
#include "eng-json.h"

/* ---- Writing ---- */

static void
write_value (JsonBuilder *builder, const EngEvalValue *value)
{
  if (value->name != NULL)
    eng_json_add_string (builder, "name", value->name);
  eng_json_add_figure (builder, "value", &value->value);
  eng_json_add_figure (builder, "baseline", &value->baseline);
  eng_json_add_figure (builder, "change", &value->change);
  eng_json_add_double (builder, "p", value->p);
  if (value->name != NULL)
    eng_json_add_bool (builder, "significant", value->significant);
}

static void
write_metric (JsonBuilder *builder, const EngEvalMetric *metric)
{
  json_builder_begin_object (builder);
  eng_json_add_string (builder, "metric", metric->metric);
  write_value (builder, &metric->whole);
  json_builder_set_member_name (builder, "groups");
  json_builder_begin_array (builder);
  for (guint i = 0; i < metric->n_groups; i++)
    {
      json_builder_begin_object (builder);
      write_value (builder, &metric->groups[i]);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
}

void
eng_evaluation_write (EngEvaluation *self, JsonBuilder *builder, const char *member)
{
  json_builder_set_member_name (builder, member);
  json_builder_begin_object (builder);
  eng_json_add_string (builder, "data", self->data);
  eng_json_add_string (builder, "title", self->title);
  eng_json_add_string (builder, "source", self->source);
  eng_json_add_string (builder, "against", self->against);
  eng_json_add_string (builder, "against_build_sha256", self->against_hash);
  eng_json_add_string (builder, "results_key", self->key);
  eng_json_add_bool (builder, "against_itself", self->is_itself);
  eng_json_add_string (builder, "grouped_by", self->grouped_by);
  eng_json_add_double (builder, "seconds", self->seconds);
  eng_json_add_int (builder, "samples", self->n_samples);
  eng_json_add_strv (builder, "notes", eng_evaluation_get_notes (self));
  json_builder_set_member_name (builder, "metrics");
  json_builder_begin_array (builder);
  for (guint i = 0; i < self->metrics->len; i++)
    write_metric (builder, self->metrics->pdata[i]);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
}

/* ---- Reading ---- */

static EngEvalValue
read_value (JsonObject *object)
{
  return (EngEvalValue){ .name = eng_json_get_string (object, "name"),
                         .value = eng_json_get_figure (object, "value", NULL, "not recorded"),
                         .baseline = eng_json_get_figure (object, "baseline", NULL, "not recorded"),
                         .change = eng_json_get_figure (object, "change", NULL, "not recorded"),
                         .p = eng_json_get_double (object, "p"),
                         .significant = eng_json_get_bool (object, "significant", FALSE) };
}

static JsonObject *
object_at (JsonArray *array, guint index)
{
  JsonNode *node = json_array_get_element (array, index);
  return JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

static gboolean
read_metric (EngEvaluation *self, JsonObject *object)
{
  const char *id = object != NULL ? eng_json_get_string (object, "metric") : NULL;
  if (id == NULL)
    return FALSE;
  JsonArray *list = eng_json_get_array (object, "groups");
  guint n = list != NULL ? json_array_get_length (list) : 0, n_groups = 0;
  EngEvalValue *groups = g_new0 (EngEvalValue, MAX (n, 1));
  EngEvalValue whole = read_value (object);
  for (guint i = 0; i < n; i++)
    {
      JsonObject *group = object_at (list, i);
      if (group != NULL && eng_json_get_string (group, "name") != NULL)
        groups[n_groups++] = read_value (group);
    }
  whole.name = NULL;
  eng_evaluation_take_metric (self, id, &whole, groups, n_groups);
  return TRUE;
}

EngEvaluation *
eng_evaluation_read (JsonObject *object, GError **error)
{
  JsonArray *metrics = eng_json_get_array (object, "metrics");
  g_auto (GStrv) notes = eng_json_dup_strv (object, "notes");
  const char *data, *by = eng_json_get_string (object, "grouped_by");

  if (!eng_json_need_string (object, "data", "evaluation", &data, error))
    return NULL;
  g_autoptr (EngEvaluation) self = eng_evaluation_new (data, eng_json_get_string (object, "title"));
  self->source = g_strdup (eng_json_get_string (object, "source"));
  self->against = g_strdup (eng_json_get_string (object, "against"));
  self->against_hash = g_strdup (eng_json_get_string (object, "against_build_sha256"));
  self->key = g_strdup (eng_json_get_string (object, "results_key"));
  self->is_itself = eng_json_get_bool (object, "against_itself", FALSE);
  self->grouped_by = g_intern_string (by);
  self->seconds = eng_json_get_double (object, "seconds");
  self->n_samples = (guint)CLAMP (eng_json_get_int (object, "samples", 0), 0, G_MAXINT);
  for (guint i = 0; notes[i] != NULL; i++)
    eng_evaluation_note (self, "%s", notes[i]);
  eng_evaluation_end_notes (self);
  for (guint i = 0; metrics != NULL && i < json_array_get_length (metrics); i++)
    if (!read_metric (self, object_at (metrics, i)))
      {
        g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT, "The evaluation's metric %u has no name",
                     i);
        return NULL;
      }
  return g_steal_pointer (&self);
}
