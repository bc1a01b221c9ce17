/* Groups of executed nodes that cover the same source nodes in every run. Called by eng-compare.c;
 * knows profiles, not runs. */
#include "eng-align-private.h"

#include <string.h>

/* The front end and the task's nodes, the same for every file of a network. */
#define OWN_PREFIX "lathe."

#define ENOUGH_NAMES 0.5
#define ENOUGH_SIZES 0.9

/* ---- Names ---- */

/* Cuts "_int8" and the like off the end, as often as one is there. */
static void
cut_endings (char *name)
{
  static const char *const endings[]
      = { "_int8",     "_uint8",      "_float32",        "_float16",          "_float",
          "_quant",    "_quantized",  "_quantize",       "_dequantize",       "_dequantized",
          "/quantize", "/dequantize", "_QuantizeLinear", "_DequantizeLinear", ":0" };

  for (guint i = 0; i < G_N_ELEMENTS (endings);)
    {
      gsize length = strlen (name), ending = strlen (endings[i]);

      if (length > ending && g_str_has_suffix (name, endings[i]))
        {
          name[length - ending] = '\0';
          i = 0;
        }
      else
        i++;
    }
}

char *
eng_align_plain_name (const char *name)
{
  g_autofree char *plain = g_strdup (name);

  cut_endings (plain);
  return g_steal_pointer (&plain);
}

/* TFLite's converter joins the names of all that it fused with ";": the first is what comes out. */
static char *
first_part (const char *name)
{
  const char *end = strchr (name, ';');
  char *part = end != NULL ? g_strndup (name, (gsize)(end - name)) : g_strdup (name);

  cut_endings (part);
  return part;
}

/* ---- Sets of nodes ---- */

/* Elements are the nodes of all runs, one run after the other. */
typedef struct
{
  EngProfile *const *profiles;
  guint n_runs;
  guint *offsets; /* [n_runs + 1] */
  guint *parents; /* [offsets[n_runs]] */
} Sets;

static void
sets_init (Sets *sets, EngProfile *const *profiles, guint n_runs)
{
  *sets = (Sets){ profiles, n_runs, g_new (guint, n_runs + 1), NULL };
  sets->offsets[0] = 0;
  for (guint r = 0; r < n_runs; r++)
    sets->offsets[r + 1] = sets->offsets[r] + eng_profile_get_n_nodes (profiles[r]);
  sets->parents = g_new (guint, sets->offsets[n_runs] + 1);
  for (guint i = 0; i < sets->offsets[n_runs]; i++)
    sets->parents[i] = i;
}

static void
sets_clear (Sets *sets)
{
  g_free (sets->offsets);
  g_free (sets->parents);
}

static guint
find_root (Sets *sets, guint element)
{
  while (sets->parents[element] != element)
    element = sets->parents[element] = sets->parents[sets->parents[element]];
  return element;
}

static void
join (Sets *sets, guint a, guint b)
{
  a = find_root (sets, a);
  b = find_root (sets, b);
  sets->parents[MAX (a, b)] = MIN (a, b);
}

/* Joins the nodes of run @r with all that have one of their source names in @table (owned plain
 * name -> element + 1), and adds theirs. */
static void
join_names (Sets *sets, guint r, GHashTable *table)
{
  for (guint i = 0; i < eng_profile_get_n_nodes (sets->profiles[r]); i++)
    {
      const char *const *sources = eng_profile_get_node_sources (sets->profiles[r], i);
      guint element = sets->offsets[r] + i;

      for (guint k = 0; sources[k] != NULL; k++)
        {
          char *name = eng_align_plain_name (sources[k]);
          guint other = GPOINTER_TO_UINT (g_hash_table_lookup (table, name));

          if (other != 0)
            {
              join (sets, element, other - 1);
              g_free (name);
            }
          else
            g_hash_table_insert (table, name, GUINT_TO_POINTER (element + 1));
        }
    }
}

/* Owned first part -> node + 1 of those nodes that nothing of @other is joined with; 0 where a part
 * is there twice. */
static GHashTable *
lonely_parts (Sets *sets, guint r, guint other)
{
  g_autoptr (GHashTable) known = g_hash_table_new (NULL, NULL);
  GHashTable *parts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = sets->offsets[other]; i < sets->offsets[other + 1]; i++)
    g_hash_table_add (known, GUINT_TO_POINTER (find_root (sets, i) + 1));
  for (guint i = 0; i < eng_profile_get_n_nodes (sets->profiles[r]); i++)
    {
      const char *const *sources = eng_profile_get_node_sources (sets->profiles[r], i);

      if (g_hash_table_contains (known,
                                 GUINT_TO_POINTER (find_root (sets, sets->offsets[r] + i) + 1)))
        continue;
      for (guint k = 0; sources[k] != NULL; k++)
        {
          char *part = first_part (sources[k]);
          gboolean twice = g_hash_table_contains (parts, part);

          g_hash_table_replace (parts, part,
                                GUINT_TO_POINTER (twice ? 0 : sets->offsets[r] + i + 1));
        }
    }
  return parts;
}

/* Names of fused nodes that begin alike and are there once on each side: converters differ in what
 * they list after the first part. */
static void
join_first_parts (Sets *sets, guint r, guint s)
{
  g_autoptr (GHashTable) of_r = lonely_parts (sets, r, s);
  g_autoptr (GHashTable) of_s = lonely_parts (sets, s, r);
  GHashTableIter iter;
  gpointer part, element;

  g_hash_table_iter_init (&iter, of_r);
  while (g_hash_table_iter_next (&iter, &part, &element))
    {
      gpointer other = g_hash_table_lookup (of_s, part);

      if (element != NULL && other != NULL)
        join (sets, GPOINTER_TO_UINT (element) - 1, GPOINTER_TO_UINT (other) - 1);
    }
}

/* ---- Does it fit? ---- */

/* Source names of heavy nodes, plain; owned. */
static GHashTable *
heavy_names (EngProfile *profile)
{
  GHashTable *names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < eng_profile_get_n_nodes (profile); i++)
    {
      const char *const *sources = eng_profile_get_node_sources (profile, i);

      if (eng_align_heavy (profile, i) == ENG_HEAVY_NONE)
        continue;
      for (guint k = 0; sources[k] != NULL; k++)
        g_hash_table_add (names, first_part (sources[k]));
    }
  return names;
}

static gboolean
names_agree (EngProfile *a, EngProfile *b)
{
  g_autoptr (GHashTable) of_a = heavy_names (a);
  g_autoptr (GHashTable) of_b = heavy_names (b);
  guint n = MIN (g_hash_table_size (of_a), g_hash_table_size (of_b)), n_both = 0;
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, of_a);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    n_both += g_hash_table_contains (of_b, name);
  return n > 0 && n_both >= ENOUGH_NAMES * n;
}

/* Of two profiles in which nothing is heavy: whether most source names are there in both. */
static gboolean
light_names_agree (EngProfile *a, EngProfile *b)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);
  guint n_a = eng_profile_get_n_nodes (a), n_b = eng_profile_get_n_nodes (b), n_both = 0;

  for (guint i = 0; i < n_a; i++)
    g_hash_table_add (names, (gpointer)eng_profile_get_node_name (a, i));
  for (guint i = 0; i < n_b; i++)
    n_both += g_hash_table_contains (names, eng_profile_get_node_name (b, i));
  return n_both > 0 && n_both >= ENOUGH_NAMES * MIN (n_a, n_b);
}

static void
add_flops (GHashTable *sums, guint root, double flops)
{
  double *sum = g_hash_table_lookup (sums, GUINT_TO_POINTER (root + 1));

  if (sum == NULL)
    g_hash_table_insert (sums, GUINT_TO_POINTER (root + 1), sum = g_new0 (double, 1));
  *sum += flops;
}

/* Whether groups of heavy nodes that are in both runs do the same work in both. TRUE where no phase
 * was measured in both: then only names are known. */
static gboolean
sizes_agree (Sets *sets, guint r, guint s)
{
  EngProfile *runs[2] = { sets->profiles[r], sets->profiles[s] };
  guint offsets[2] = { sets->offsets[r], sets->offsets[s] }, n = 0, n_same = 0;
  RtPhase phase = eng_align_phase (runs[0], runs[1]);
  GHashTable *sums[2];
  GHashTableIter iter;
  gpointer root, flops;

  if (phase == RT_N_PHASES)
    return TRUE;
  for (guint side = 0; side < 2; side++)
    {
      sums[side] = g_hash_table_new_full (NULL, NULL, NULL, g_free);
      for (guint i = 0; i < eng_profile_get_n_nodes (runs[side]); i++)
        if (eng_align_heavy (runs[side], i) != ENG_HEAVY_NONE
            && eng_align_flops (runs[side], i, phase) > 0)
          add_flops (sums[side], find_root (sets, offsets[side] + i),
                     eng_align_flops (runs[side], i, phase));
    }
  g_hash_table_iter_init (&iter, sums[0]);
  while (g_hash_table_iter_next (&iter, &root, &flops))
    {
      const double *other = g_hash_table_lookup (sums[1], root);

      if (other != NULL)
        {
          n++;
          n_same += eng_align_same_flops (*(double *)flops, *other);
        }
    }
  g_hash_table_unref (sums[0]);
  g_hash_table_unref (sums[1]);
  return n_same >= ENOUGH_SIZES * n;
}

/* ---- One run after the other ---- */

/* Light nodes go with the heavy one before them, those before the first with that: where names say
 * nothing, only heavy ones can be lined up. */
static void
join_light (Sets *sets, guint r)
{
  EngProfile *profile = sets->profiles[r];
  guint n = eng_profile_get_n_nodes (profile), heavy = n;

  for (guint i = 0; i < n && heavy == n; i++)
    if (eng_align_heavy (profile, i) != ENG_HEAVY_NONE)
      heavy = i;
  for (guint i = 0; i < n && heavy < n; i++)
    if (eng_align_heavy (profile, i) != ENG_HEAVY_NONE)
      heavy = i;
    else if (!g_str_has_prefix (eng_profile_get_node_name (profile, i), OWN_PREFIX))
      join (sets, sets->offsets[r] + i, sets->offsets[r] + heavy);
}

/* The nodes that are not the file's: they have the same names everywhere. */
static void
join_own (Sets *sets, guint r, guint s)
{
  g_autoptr (GHashTable) table = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < eng_profile_get_n_nodes (sets->profiles[s]); i++)
    g_hash_table_insert (table, (gpointer)eng_profile_get_node_name (sets->profiles[s], i),
                         GUINT_TO_POINTER (sets->offsets[s] + i + 1));
  for (guint i = 0; i < eng_profile_get_n_nodes (sets->profiles[r]); i++)
    {
      const char *name = eng_profile_get_node_name (sets->profiles[r], i);
      guint other = GPOINTER_TO_UINT (g_hash_table_lookup (table, name));

      if (other != 0 && g_str_has_prefix (name, OWN_PREFIX))
        join (sets, sets->offsets[r] + i, other - 1);
    }
}

static gboolean
join_shapes (Sets *sets, guint r, char **reason)
{
  g_autoptr (GArray) pairs = eng_align_shapes (sets->profiles[0], sets->profiles[r], reason);

  if (pairs == NULL)
    return FALSE;
  for (guint i = 0; i + 1 < pairs->len; i += 2)
    join (sets, sets->offsets[0] + g_array_index (pairs, guint, i),
          sets->offsets[r] + g_array_index (pairs, guint, i + 1));
  join_light (sets, 0);
  join_light (sets, r);
  join_own (sets, r, 0);
  return TRUE;
}

/* The earlier run, lined up itself, whose names are those of run @r; @r when there is none. The
 * first run is asked first. */
static guint
find_namesake (Sets *sets, guint r, const EngAlignKind *kinds)
{
  for (guint s = 0; s < r; s++)
    if (kinds[s] != ENG_ALIGN_NONE
        && (sets->profiles[s] == sets->profiles[r]
            || names_agree (sets->profiles[s], sets->profiles[r])
            || light_names_agree (sets->profiles[s], sets->profiles[r])))
      return s;
  return r;
}

/* A pair for itself tells whether the sizes agree, before anything is joined for good. */
static gboolean
pair_agrees (EngProfile *a, EngProfile *b)
{
  EngProfile *pair[2] = { a, b };
  g_autoptr (GHashTable) table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  gboolean agrees;
  Sets sets;

  sets_init (&sets, pair, 2);
  join_names (&sets, 0, table);
  join_names (&sets, 1, table);
  join_first_parts (&sets, 1, 0);
  agrees = sizes_agree (&sets, 1, 0);
  sets_clear (&sets);
  return agrees;
}

static void
add_run (Sets *sets, guint r, EngAlignment *alignment, GHashTable **tables)
{
  guint s = find_namesake (sets, r, alignment->kinds);

  if (s < r && !pair_agrees (sets->profiles[s], sets->profiles[r]))
    alignment->reasons[r] = g_strdup (
        "These are different networks: their layers have the same names, but other sizes.");
  else if (s < r)
    {
      tables[r] = g_hash_table_ref (tables[s]);
      join_names (sets, r, tables[r]);
      join_first_parts (sets, r, s);
      alignment->kinds[r] = alignment->kinds[s];
    }
  else if (join_shapes (sets, r, &alignment->reasons[r]))
    {
      alignment->kinds[r] = ENG_ALIGN_SHAPES;
      tables[r] = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
      join_names (sets, r, tables[r]);
    }
}

/* ---- Groups ---- */

static void
group_free (gpointer data)
{
  EngAlignGroup *group = data;

  for (guint r = 0; group->nodes[r] != NULL; r++)
    g_array_unref (group->nodes[r]);
  g_free (group->nodes);
  g_free (group);
}

static EngAlignGroup *
group_new (guint n_runs)
{
  EngAlignGroup *group = g_new0 (EngAlignGroup, 1);

  group->nodes = g_new0 (GArray *, n_runs + 1);
  for (guint r = 0; r < n_runs; r++)
    group->nodes[r] = g_array_new (FALSE, FALSE, sizeof (guint));
  return group;
}

/* Groups in the order of the first run; what only later runs have comes after what runs before it
 * there. */
static void
collect (Sets *sets, EngAlignment *alignment)
{
  g_autofree EngAlignGroup **of_root = g_new0 (EngAlignGroup *, sets->offsets[sets->n_runs] + 1);

  for (guint r = 0; r < sets->n_runs; r++)
    {
      guint place = 0; /* behind the group of the node before */

      if (alignment->kinds[r] == ENG_ALIGN_NONE)
        continue;
      for (guint i = 0; i < eng_profile_get_n_nodes (sets->profiles[r]); i++)
        {
          guint root = find_root (sets, sets->offsets[r] + i), found;
          EngAlignGroup *group = of_root[root];

          if (group == NULL)
            {
              group = of_root[root] = group_new (sets->n_runs);
              g_ptr_array_insert (alignment->groups, (gint)place++, group);
            }
          else if (r > 0 && g_ptr_array_find (alignment->groups, group, &found))
            place = found + 1;
          g_array_append_val (group->nodes[r], i);
        }
    }
}

/* The layer of the first run's node with the most to do; what it did not execute lies in the layer
 * of what comes before. */
static void
set_layers (Sets *sets, EngAlignment *alignment)
{
  EngProfile *first = sets->profiles[0];
  RtPhase phase = eng_align_phase (first, first);
  int layer = -1;

  for (guint g = 0; g < alignment->groups->len; g++)
    {
      EngAlignGroup *group = alignment->groups->pdata[g];
      double most = -1;

      for (guint k = 0; k < group->nodes[0]->len; k++)
        {
          guint node = g_array_index (group->nodes[0], guint, k);
          double flops = phase < RT_N_PHASES ? eng_align_flops (first, node, phase) : 0;

          if (flops > most)
            {
              most = flops;
              layer = eng_profile_get_node_layer (first, node);
            }
        }
      group->layer = layer;
    }
}

EngAlignment *
eng_align (EngProfile *const *profiles, guint n_runs)
{
  EngAlignment *alignment = g_new0 (EngAlignment, 1);
  g_autofree GHashTable **tables = g_new0 (GHashTable *, n_runs + 1);
  Sets sets;

  g_return_val_if_fail (n_runs > 0, NULL);

  alignment->n_runs = n_runs;
  alignment->kinds = g_new0 (EngAlignKind, n_runs);
  alignment->reasons = g_new0 (char *, n_runs + 1);
  alignment->groups = g_ptr_array_new_with_free_func (group_free);
  sets_init (&sets, profiles, n_runs);
  alignment->kinds[0] = ENG_ALIGN_NAMES;
  tables[0] = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  join_names (&sets, 0, tables[0]);
  for (guint r = 1; r < n_runs; r++)
    add_run (&sets, r, alignment, tables);
  collect (&sets, alignment);
  set_layers (&sets, alignment);
  sets_clear (&sets);
  for (guint r = 0; r < n_runs; r++)
    g_clear_pointer (&tables[r], g_hash_table_unref);
  return alignment;
}

void
eng_alignment_free (EngAlignment *alignment)
{
  if (alignment == NULL)
    return;
  for (guint r = 0; r < alignment->n_runs; r++)
    g_free (alignment->reasons[r]);
  g_free (alignment->reasons);
  g_free (alignment->kinds);
  g_ptr_array_unref (alignment->groups);
  g_free (alignment);
}

EngAlignKind
eng_align_check (EngProfile *a, EngProfile *b, char **reason)
{
  g_autofree char *why = NULL;
  g_autoptr (GArray) pairs = NULL;

  if (a == b || names_agree (a, b) || light_names_agree (a, b))
    {
      if (pair_agrees (a, b))
        return ENG_ALIGN_NAMES;
      if (reason != NULL)
        *reason = g_strdup (
            "These are different networks: their layers have the same names, but other sizes.");
      return ENG_ALIGN_NONE;
    }
  pairs = eng_align_shapes (a, b, &why);
  if (pairs != NULL)
    return ENG_ALIGN_SHAPES;
  if (reason != NULL)
    *reason = g_steal_pointer (&why);
  return ENG_ALIGN_NONE;
}
