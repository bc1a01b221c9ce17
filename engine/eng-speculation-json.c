/* The record of speculation in a run's document: rounds and drafts as columns, because a run has
 * thousands of them. */
#include "eng-speculation-private.h"

#include <math.h>
#include <string.h>

#include "eng-error.h"
#include "eng-json.h"

/* More than any run has; a file may say anything. */
#define MAX_DEPTH 1024
#define MAX_TOKENS (1 << 24)

/* ---- Writing ---- */

typedef double (*Column) (gconstpointer record);

/* One number of every record of @records as the list @name. */
static void
write_column (JsonBuilder *builder, const char *name, const GArray *records, gsize size,
              Column column, gboolean whole)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_array (builder);
  for (guint i = 0; i < records->len; i++)
    {
      double value = column (records->data + i * size);
      if (!isfinite (value))
        json_builder_add_null_value (builder);
      else if (whole)
        json_builder_add_int_value (builder, (gint64)value);
      else
        json_builder_add_double_value (builder, value);
    }
  json_builder_end_array (builder);
}

#define COLUMN(function, type, member)                                                             \
  static double function (gconstpointer record)                                                    \
  {                                                                                                \
    return (double)((const type *)record)->member;                                                 \
  }

COLUMN (round_emitted, EngRound, n_emitted)
COLUMN (round_drafted, EngRound, n_drafted)
COLUMN (round_accepted, EngRound, n_accepted)
COLUMN (round_length, EngRound, draft_length)
COLUMN (round_match, EngRound, match_length)
COLUMN (round_predicted, EngRound, predicted_speedup)
COLUMN (round_start, EngRound, start_ns)
COLUMN (round_draft_ns, EngRound, draft_ns)
COLUMN (round_verify_ns, EngRound, verify_ns)
COLUMN (round_choose_ns, EngRound, choose_ns)
COLUMN (draft_token, EngDraft, token)
COLUMN (draft_parent, EngDraft, parent)
COLUMN (draft_tested, EngDraft, tested)
COLUMN (draft_accepted, EngDraft, accepted)
COLUMN (draft_probability, EngDraft, probability)

static const struct
{
  const char *name;
  Column column;
  gboolean whole;
} round_columns[] = {
  { "emitted_tokens", round_emitted, TRUE },
  { "drafted_tokens", round_drafted, TRUE },
  { "accepted_tokens", round_accepted, TRUE },
  { "draft_length_tokens", round_length, TRUE },
  { "match_length_tokens", round_match, TRUE },
  { "predicted_speedup", round_predicted, FALSE },
  { "start_ns", round_start, TRUE },
  { "draft_ns", round_draft_ns, TRUE },
  { "verify_ns", round_verify_ns, TRUE },
  { "choose_ns", round_choose_ns, TRUE },
}, draft_columns[] = {
  { "token", draft_token, TRUE },
  { "parent", draft_parent, TRUE },
  { "tested", draft_tested, TRUE },
  { "accepted", draft_accepted, TRUE },
  { "probability", draft_probability, FALSE },
};

static void
write_rounds (EngSpeculation *self, JsonBuilder *builder)
{
  json_builder_set_member_name (builder, "rounds");
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "kind");
  json_builder_begin_array (builder);
  for (guint i = 0; i < self->rounds->len; i++)
    json_builder_add_string_value (builder, eng_round_kind_name (
                                                g_array_index (self->rounds, EngRound, i).kind));
  json_builder_end_array (builder);
  for (guint i = 0; i < G_N_ELEMENTS (round_columns); i++)
    write_column (builder, round_columns[i].name, self->rounds, sizeof (EngRound),
                  round_columns[i].column, round_columns[i].whole);
  json_builder_end_object (builder);

  json_builder_set_member_name (builder, "drafts");
  json_builder_begin_object (builder);
  for (guint i = 0; i < G_N_ELEMENTS (draft_columns); i++)
    write_column (builder, draft_columns[i].name, self->drafts, sizeof (EngDraft),
                  draft_columns[i].column, draft_columns[i].whole);
  json_builder_end_object (builder);
}

static double
plain_int (gconstpointer value)
{
  return *(const gint32 *)value;
}

static double
plain_uint (gconstpointer value)
{
  return *(const guint *)value;
}

static int
compare_tokens (gconstpointer a, gconstpointer b)
{
  return GPOINTER_TO_INT (a) - GPOINTER_TO_INT (b);
}

/* Tokens, where they are in the text, and how each reads; in the order of their numbers, so that
 * the same run is the same document. */
static void
write_text (EngSpeculation *self, JsonBuilder *builder)
{
  g_autoptr (GList) known = g_list_sort (g_hash_table_get_keys (self->pieces), compare_tokens);

  write_column (builder, "tokens", self->tokens, sizeof (gint32), plain_int, TRUE);
  write_column (builder, "text_start_bytes", self->text_starts, sizeof (guint), plain_uint, TRUE);
  eng_json_add_int (builder, "text_length_bytes", self->text_length);
  json_builder_set_member_name (builder, "pieces");
  json_builder_begin_object (builder);
  for (GList *item = known; item != NULL; item = item->next)
    {
      g_autofree char *number = g_strdup_printf ("%d", GPOINTER_TO_INT (item->data));
      eng_json_add_string (builder, number, g_hash_table_lookup (self->pieces, item->data));
    }
  json_builder_end_object (builder);
}

/* The members of a figure, into the object that is open. */
static void
write_figure (JsonBuilder *builder, const EngFigure *figure)
{
  eng_json_add_double (builder, "median_ns", figure->available ? figure->value : NAN);
  eng_json_add_double (builder, "low95_ns", figure->available ? figure->low : NAN);
  eng_json_add_double (builder, "high95_ns", figure->available ? figure->high : NAN);
  eng_json_add_int (builder, "n", figure->n);
  if (figure->reason != NULL)
    eng_json_add_string (builder, "reason", figure->reason);
}

static void
write_costs (EngSpeculation *self, JsonBuilder *builder)
{
  json_builder_set_member_name (builder, "draft_cost");
  json_builder_begin_object (builder);
  write_figure (builder, &self->draft_cost);
  json_builder_end_object (builder);
  json_builder_set_member_name (builder, "verify_costs");
  json_builder_begin_array (builder);
  for (guint i = 0; i < self->verify_costs->len; i++)
    {
      const EngVerifyCost *cost = &g_array_index (self->verify_costs, EngVerifyCost, i);
      json_builder_begin_object (builder);
      eng_json_add_int (builder, "tokens", cost->n_tokens);
      write_figure (builder, &cost->ns);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

void
eng_speculation_write (EngSpeculation *self, JsonBuilder *builder, const char *name)
{
  const EngSpeculationSetup *setup = &self->setup;

  json_builder_set_member_name (builder, name);
  json_builder_begin_object (builder);
  eng_json_add_string (builder, "drafting", eng_draft_source_name (setup->source));
  eng_json_add_string (builder, "drafter", setup->drafter);
  eng_json_add_bool (builder, "sampled", setup->sampled);
  eng_json_add_int (builder, "draft_length_tokens", setup->draft_length);
  eng_json_add_int (builder, "max_length_tokens", setup->max_length);
  eng_json_add_int (builder, "tree_width", setup->tree_width);
  eng_json_add_bool (builder, "replacement", setup->replacement);
  if (self->notice != NULL)
    eng_json_add_string (builder, "notice", self->notice);
  eng_json_add_int (builder, "compared_tokens", self->n_compared);
  eng_json_add_int (builder, "differing_tokens", self->n_differing);
  write_text (self, builder);
  write_rounds (self, builder);
  write_costs (self, builder);
  json_builder_end_object (builder);
}

/* ---- Reading ---- */

static gboolean
refuse (GError **error, const char *what)
{
  g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
               "The run's speculation does not fit together: %s", what);
  return FALSE;
}

static guint
list_length (JsonObject *object, const char *name)
{
  JsonArray *array = object != NULL ? eng_json_get_array (object, name) : NULL;
  return array != NULL ? json_array_get_length (array) : 0;
}

/* Element @i of list @name; NAN where it is absent or no number. */
static double
list_number (JsonObject *object, const char *name, guint i)
{
  JsonArray *array = eng_json_get_array (object, name);
  if (array == NULL || i >= json_array_get_length (array))
    return NAN;
  JsonNode *node = json_array_get_element (array, i);
  if (!JSON_NODE_HOLDS_VALUE (node))
    return NAN;
  GType type = json_node_get_value_type (node);
  return type == G_TYPE_INT64 || type == G_TYPE_DOUBLE ? json_node_get_double (node) : NAN;
}

/* A whole number from 0, or from -1, to MAX_TOKENS; others are clamped, what is no number is the
 * least. */
static gint32
list_int (JsonObject *object, const char *name, guint i, gint32 least)
{
  double value = list_number (object, name, i);
  return value >= least ? (gint32)MIN (value, MAX_TOKENS) : least;
}

static EngRoundKind
read_kind (JsonObject *rounds, guint i)
{
  JsonNode *node = json_array_get_element (eng_json_get_array (rounds, "kind"), i);
  const char *name = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_string (node) : NULL;

  for (EngRoundKind kind = 0; kind <= ENG_ROUND_PROBE; kind++)
    if (g_strcmp0 (name, eng_round_kind_name (kind)) == 0)
      return kind;
  return ENG_ROUND_NO_DRAFT;
}

/* The @n drafts from @first on. */
static gboolean
read_drafts (JsonObject *object, guint first, guint n, EngDraft *drafts, GError **error)
{
  for (guint i = 0; i < n; i++)
    {
      EngDraft *draft = &drafts[i];
      *draft = (EngDraft){ .token = list_int (object, "token", first + i, 0),
                           .parent = list_int (object, "parent", first + i, -1),
                           .tested = list_int (object, "tested", first + i, 0) != 0,
                           .accepted = list_int (object, "accepted", first + i, 0) != 0,
                           .probability = list_number (object, "probability", first + i) };
      if (draft->parent >= (gint32)i)
        return refuse (error, "a drafted token comes before the one it follows");
      draft->depth = draft->parent < 0 ? 1 : drafts[draft->parent].depth + 1;
      if (draft->depth > MAX_DEPTH)
        return refuse (error, "a draft is too deep");
    }
  return TRUE;
}

static gboolean
read_rounds (EngSpeculation *self, JsonObject *object, GError **error)
{
  JsonObject *rounds = eng_json_get_object (object, "rounds");
  JsonObject *drafts = eng_json_get_object (object, "drafts");
  guint n = list_length (rounds, "kind"), n_drafts = list_length (drafts, "token");
  guint first_draft = 0, first_token = 1;

  for (guint i = 0; i < n; i++)
    {
      EngRound round = { .kind = read_kind (rounds, i),
                         .first_token = first_token,
                         .n_emitted = (guint)list_int (rounds, "emitted_tokens", i, 0),
                         .n_drafted = (guint)list_int (rounds, "drafted_tokens", i, 0),
                         .n_accepted = (guint)list_int (rounds, "accepted_tokens", i, 0),
                         .draft_length = (guint)list_int (rounds, "draft_length_tokens", i, 0),
                         .match_length = (guint)list_int (rounds, "match_length_tokens", i, 0),
                         .predicted_speedup = list_number (rounds, "predicted_speedup", i),
                         .start_ns = list_number (rounds, "start_ns", i),
                         .draft_ns = list_number (rounds, "draft_ns", i),
                         .verify_ns = list_number (rounds, "verify_ns", i),
                         .choose_ns = list_number (rounds, "choose_ns", i) };
      if (round.n_drafted > n_drafts - first_draft)
        return refuse (error, "rounds drafted more tokens than are listed");
      if (round.n_accepted > round.n_drafted)
        return refuse (error, "a round accepted more tokens than it drafted");
      if (first_token + round.n_emitted > MAX (self->tokens->len, 1))
        return refuse (error, "rounds emitted more tokens than the text has");
      g_autofree EngDraft *list = g_new (EngDraft, MAX (round.n_drafted, 1));
      if (!read_drafts (drafts, first_draft, round.n_drafted, list, error))
        return FALSE;
      eng_speculation_add_round (self, &round, list);
      first_draft += round.n_drafted;
      first_token += round.n_emitted;
    }
  return first_draft == n_drafts || refuse (error, "drafted tokens belong to no round");
}

static gboolean
read_text (EngSpeculation *self, JsonObject *object, GError **error)
{
  JsonObject *pieces = eng_json_get_object (object, "pieces");
  guint n = list_length (object, "tokens");
  gint64 length = eng_json_get_int (object, "text_length_bytes", 0);
  guint last = 0;

  if (list_length (object, "text_start_bytes") != n)
    return refuse (error, "not every token has a place in the text");
  for (guint i = 0; i < n; i++)
    {
      guint start = (guint)list_int (object, "text_start_bytes", i, 0);
      if (start < last || start > length)
        return refuse (error, "tokens are not in the order of the text");
      eng_speculation_add_token (self, list_int (object, "tokens", i, 0), start);
      last = start;
    }
  eng_speculation_end_text (self, (guint)CLAMP (length, 0, G_MAXINT));
  if (pieces == NULL)
    return TRUE;

  JsonObjectIter iter;
  const char *name;
  JsonNode *node;
  json_object_iter_init (&iter, pieces);
  while (json_object_iter_next (&iter, &name, &node))
    {
      const char *text = eng_json_get_string (pieces, name);
      if (text != NULL)
        eng_speculation_set_piece (self, (gint32)g_ascii_strtoll (name, NULL, 10), text,
                                   strlen (text));
    }
  return TRUE;
}

static EngFigure
read_figure (JsonObject *object)
{
  EngFigure figure = { .value = eng_json_get_double (object, "median_ns"),
                       .low = eng_json_get_double (object, "low95_ns"),
                       .high = eng_json_get_double (object, "high95_ns"),
                       .n = (guint)CLAMP (eng_json_get_int (object, "n", 0), 0, G_MAXINT),
                       .unit = "ns",
                       .reason = g_intern_string (eng_json_get_string (object, "reason")) };
  figure.available = isfinite (figure.value);
  return figure;
}

static void
read_costs (EngSpeculation *self, JsonObject *object)
{
  JsonObject *draft = eng_json_get_object (object, "draft_cost");
  JsonArray *costs = eng_json_get_array (object, "verify_costs");

  if (draft != NULL)
    self->draft_cost = read_figure (draft);
  for (guint i = 0; costs != NULL && i < json_array_get_length (costs); i++)
    {
      JsonNode *node = json_array_get_element (costs, i);
      if (!JSON_NODE_HOLDS_OBJECT (node))
        continue;
      JsonObject *cost = json_node_get_object (node);
      eng_speculation_add_verify_cost (self,
                                       (guint)CLAMP (eng_json_get_int (cost, "tokens", 0), 0,
                                                     MAX_TOKENS),
                                       read_figure (cost));
    }
}

static guint
get_count (JsonObject *object, const char *name)
{
  return (guint)CLAMP (eng_json_get_int (object, name, 0), 0, MAX_TOKENS);
}

EngSpeculation *
eng_speculation_read (JsonObject *object, GError **error)
{
  const char *name = eng_json_get_string (object, "drafting");
  EngSpeculationSetup setup = { .drafter = (char *)eng_json_get_string (object, "drafter"),
                                .sampled = eng_json_get_bool (object, "sampled", FALSE),
                                .draft_length = get_count (object, "draft_length_tokens"),
                                .max_length = get_count (object, "max_length_tokens"),
                                .tree_width = MAX (get_count (object, "tree_width"), 1),
                                .replacement = eng_json_get_bool (object, "replacement", FALSE) };

  for (EngDraftSource source = ENG_DRAFT_NONE; source <= ENG_DRAFT_SELF; source++)
    if (g_strcmp0 (name, eng_draft_source_name (source)) == 0)
      setup.source = source;
  g_autoptr (EngSpeculation) self = eng_speculation_new (&setup);
  if (!read_text (self, object, error) || !read_rounds (self, object, error))
    return NULL;
  read_costs (self, object);
  eng_speculation_set_checked (self, get_count (object, "compared_tokens"),
                               get_count (object, "differing_tokens"));
  eng_speculation_set_notice (self, eng_json_get_string (object, "notice"));
  return g_steal_pointer (&self);
}
