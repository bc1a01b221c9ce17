/* The kept roofs: one group per processor, instruction set and thread count in a key file of the
 * user's cache folder. Called by eng-roof.c; knows nothing of measuring. Groups of older versions
 * hold three figures for main memory only and are read as such. */
#include "eng-machine-private.h"

#include <math.h>

static char *
cache_path (void)
{
  return g_build_filename (g_get_user_cache_dir (), "lathe", "roofs.ini", NULL);
}

static char *
group_name (EngMachine *machine, guint n_threads)
{
  g_autofree char *name = g_strdup_printf ("%s, %s, %u threads", machine->cpu,
                                           eng_machine_get_isa (machine), n_threads);

  return g_strdelimit (g_steal_pointer (&name), "[]", '-');
}

/* NAN: there is no such number. */
static double
get_number (GKeyFile *file, const char *group, const char *key)
{
  g_autofree char *text = g_key_file_get_value (file, group, key, NULL);
  char *end = NULL;
  double value = text != NULL ? g_ascii_strtod (text, &end) : NAN;

  return text != NULL && end != text ? value : NAN;
}

/* "KEY", "KEY_low95" and "KEY_high95". */
static EngRoofFigure
get_figure (GKeyFile *file, const char *group, const char *key)
{
  g_autofree char *low = g_strconcat (key, "_low95", NULL);
  g_autofree char *high = g_strconcat (key, "_high95", NULL);

  return (EngRoofFigure){ get_number (file, group, key), get_number (file, group, low),
                          get_number (file, group, high) };
}

static void
set_figure (GKeyFile *file, const char *group, const char *key, const EngRoofFigure *figure)
{
  g_autofree char *low = g_strconcat (key, "_low95", NULL);
  g_autofree char *high = g_strconcat (key, "_high95", NULL);

  g_key_file_set_double (file, group, key, figure->value);
  g_key_file_set_double (file, group, low, figure->low);
  g_key_file_set_double (file, group, high, figure->high);
}

/* Levels are all read or none: half a list would be drawn as a whole one. */
static void
load_levels (GKeyFile *file, const char *group, EngRoof *roof)
{
  g_auto (GStrv) names = g_key_file_get_string_list (file, group, "levels", NULL, NULL);
  guint n = names != NULL ? g_strv_length (names) : 0;

  if (n > ENG_MAX_ROOF_LEVELS)
    return;
  for (guint i = 0; i < n; i++)
    {
      EngRoofLevel *level = &roof->levels[i];
      g_autofree char *read = g_strdup_printf ("%s_read_bytes_per_s", names[i]);
      g_autofree char *cache = g_strdup_printf ("%s_cache_bytes", names[i]);
      g_autofree char *set = g_strdup_printf ("%s_working_set_bytes", names[i]);
      g_strlcpy (level->name, names[i], sizeof level->name);
      level->cache_bytes = g_key_file_get_uint64 (file, group, cache, NULL);
      level->working_set_bytes = g_key_file_get_uint64 (file, group, set, NULL);
      level->read = get_figure (file, group, read);
      if (!(level->read.value > 0))
        return;
    }
  roof->n_levels = n;
}

gboolean
eng_roof_load (EngMachine *machine, guint n_threads, EngRoof *roof)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *path = cache_path ();
  g_autofree char *group = group_name (machine, n_threads);

  *roof = (EngRoof){ .n_threads = n_threads };
  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, NULL))
    return FALSE;
  roof->read = get_figure (file, group, "read_bytes_per_s");
  roof->f32 = get_figure (file, group, "f32_flops");
  roof->int8 = get_figure (file, group, "int8_ops");
  roof->read_bytes_per_s = roof->read.value;
  roof->f32_flops = roof->f32.value;
  roof->int8_ops = roof->int8.value;
  roof->time = g_key_file_get_int64 (file, group, "time_unix_s", NULL);
  roof->others_cpus = get_number (file, group, "others_cpus");
  load_levels (file, group, roof);
  return roof->read_bytes_per_s > 0 && roof->f32_flops > 0 && roof->int8_ops > 0;
}

/* Not being able to keep the figures costs seconds next time: no reason to fail. */
void
eng_roof_store (EngMachine *machine, const EngRoof *roof)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *path = cache_path ();
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *group = group_name (machine, roof->n_threads);
  g_autoptr (GError) error = NULL;
  const char *names[ENG_MAX_ROOF_LEVELS];

  g_key_file_load_from_file (file, path, G_KEY_FILE_KEEP_COMMENTS, NULL);
  g_key_file_remove_group (file, group, NULL);
  set_figure (file, group, "read_bytes_per_s", &roof->read);
  set_figure (file, group, "f32_flops", &roof->f32);
  set_figure (file, group, "int8_ops", &roof->int8);
  g_key_file_set_int64 (file, group, "time_unix_s", roof->time);
  if (isfinite (roof->others_cpus))
    g_key_file_set_double (file, group, "others_cpus", roof->others_cpus);
  for (guint i = 0; i < roof->n_levels; i++)
    {
      const EngRoofLevel *level = &roof->levels[i];
      g_autofree char *read = g_strdup_printf ("%s_read_bytes_per_s", level->name);
      g_autofree char *cache = g_strdup_printf ("%s_cache_bytes", level->name);
      g_autofree char *set = g_strdup_printf ("%s_working_set_bytes", level->name);
      g_key_file_set_uint64 (file, group, cache, level->cache_bytes);
      g_key_file_set_uint64 (file, group, set, level->working_set_bytes);
      set_figure (file, group, read, &level->read);
      names[i] = level->name;
    }
  g_key_file_set_string_list (file, group, "levels", names, roof->n_levels);
  if (g_mkdir_with_parents (folder, 0700) != 0 || !g_key_file_save_to_file (file, path, &error))
    g_info ("The measured roofs could not be kept in %s: %s", path,
            error != NULL ? error->message : "no folder");
}
