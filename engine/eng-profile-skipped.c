/* What operators left out of their work, by what the activations were: of nodes, in words of layers
 * and of a whole run, in JSON. Counted by the operators (RtOp.skips); knows none of them. */
#include "eng-profile-private.h"

#include <math.h>
#include <string.h>

#include "eng-json.h"

const char *
eng_profile_get_node_skips (EngProfile *profile, guint node)
{
  g_return_val_if_fail (node < profile->info->n_nodes, NULL);
  return profile->info->skips[node];
}

double
eng_profile_get_node_skipped (EngProfile *profile, guint node)
{
  g_return_val_if_fail (node < profile->info->n_nodes, NAN);
  const RtTally *tally = &profile->tallies[node];
  return tally->n_all > 0 ? (double)tally->n_skipped / (double)tally->n_all : NAN;
}

/* "ffn_down" of "blk.3.ffn_down": what it is called in every layer. */
static const char *
short_name (EngProfile *profile, guint node)
{
  const char *name = profile->info->names[node], *dot = strrchr (name, '.');
  return dot != NULL && dot[1] != '\0' ? dot + 1 : name;
}

char *
eng_profile_dup_layer_skipped (EngProfile *profile, int layer)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < profile->info->n_nodes; i++)
    if (profile->info->layers[i] == layer && profile->tallies[i].n_all > 0)
      g_string_append_printf (text, "%s%.1f %% of the %s (%s)", text->len > 0 ? ", " : "",
                              100 * eng_profile_get_node_skipped (profile, i),
                              profile->info->skips[i], short_name (profile, i));
  return text->len > 0 ? g_string_free (g_steal_pointer (&text), FALSE) : NULL;
}

/* All nodes that are called as node @first, and skip the same. */
static char *
describe_all (EngProfile *profile, guint first)
{
  RtTally sum = { 0 };
  guint least = first, most = first, n = 0;

  for (guint i = first; i < profile->info->n_nodes; i++)
    {
      if (profile->info->skips[i] != profile->info->skips[first] || profile->tallies[i].n_all == 0
          || strcmp (short_name (profile, i), short_name (profile, first)) != 0)
        continue;
      double share = eng_profile_get_node_skipped (profile, i);
      least = share < eng_profile_get_node_skipped (profile, least) ? i : least;
      most = share > eng_profile_get_node_skipped (profile, most) ? i : most;
      sum.n_skipped += profile->tallies[i].n_skipped;
      sum.n_all += profile->tallies[i].n_all;
      n++;
    }
  g_autofree char *low = eng_profile_dup_layer_name (profile, profile->info->layers[least]);
  g_autofree char *high = eng_profile_dup_layer_name (profile, profile->info->layers[most]);
  g_autofree char *range
      = n > 1 ? g_strdup_printf (", %.1f %% in %s to %.1f %% in %s",
                                 100 * eng_profile_get_node_skipped (profile, least), low,
                                 100 * eng_profile_get_node_skipped (profile, most), high)
              : g_strdup ("");
  return g_strdup_printf ("Skipped while decoding: %.1f %% of the %s (%s)%s",
                          100 * (double)sum.n_skipped / (double)sum.n_all,
                          profile->info->skips[first], short_name (profile, first), range);
}

GStrv
eng_profile_dup_skipped (EngProfile *profile)
{
  g_autoptr (GStrvBuilder) lines = g_strv_builder_new ();

  for (guint i = 0; i < profile->info->n_nodes; i++)
    {
      gboolean is_first = profile->tallies[i].n_all > 0;
      for (guint k = 0; is_first && k < i; k++)
        is_first = profile->info->skips[k] != profile->info->skips[i]
                   || profile->tallies[k].n_all == 0
                   || strcmp (short_name (profile, k), short_name (profile, i)) != 0;
      g_autofree char *line = is_first ? describe_all (profile, i) : NULL;
      if (line != NULL)
        g_strv_builder_add (lines, line);
    }
  return g_strv_builder_end (lines);
}

/* ---- JSON ---- */

void
eng_profile_write_skipped (EngProfile *profile, guint node, JsonBuilder *builder)
{
  const RtTally *tally = &profile->tallies[node];

  if (tally->n_all == 0)
    return;
  json_builder_set_member_name (builder, "skipped");
  json_builder_begin_object (builder);
  eng_json_add_string (builder, "what", profile->info->skips[node]);
  eng_json_add_int (builder, "n", (gint64)tally->n_skipped);
  eng_json_add_int (builder, "of", (gint64)tally->n_all);
  json_builder_end_object (builder);
}

void
eng_profile_read_skipped (EngProfile *profile, guint node, JsonObject *object)
{
  JsonObject *skipped = eng_json_get_object (object, "skipped");
  const char *what = skipped != NULL ? eng_json_get_string (skipped, "what") : NULL;
  gint64 of = what != NULL ? eng_json_get_int (skipped, "of", 0) : 0;
  gint64 n = of > 0 ? eng_json_get_int (skipped, "n", -1) : -1;

  if (n < 0 || n > of)
    return;
  profile->info->skips[node] = g_intern_string (what);
  profile->tallies[node] = (RtTally){ (guint64)n, (guint64)of };
}
