/* Which meters there are here, and which one runs use. Called by the command line (--meter, `lathe
 * devices`), the devices pane and the makers of runs. */
#include "eng-power.h"

#include "eng-error.h"

static GMutex current_mutex;
static EngPower *current;
static const char *current_reason; /* interned; NULL: nothing was chosen */

void
eng_meter_info_free (EngMeterInfo *info)
{
  if (info == NULL)
    return;
  g_free (info->place);
  g_free (info->covers);
  g_free (info->channels);
  g_free (info->reason);
  g_free (info);
}

static char *
dup_channels (const RtMeter *meter)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (gsize i = 0; i < rt_meter_n_channels (meter); i++)
    g_string_append_printf (text, "%s%s%s", i > 0 ? ", " : "", rt_meter_channel (meter, i)->name,
                            rt_meter_channel (meter, i)->in_total ? "*" : "");
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static EngMeterInfo *
look_at (const RtMeterKind *kind, const char *root)
{
  EngMeterInfo *info = g_new0 (EngMeterInfo, 1);
  RtError error = { 0 };

  info->id = kind->id;
  info->title = kind->title;
  info->attach = kind->attach;
  if (kind->default_place == NULL)
    {
      info->reason = g_strdup_printf ("name its %s: %s:%s", kind->place_title, kind->id, "PLACE");
      return info;
    }
  info->place = g_strdup (root != NULL ? root : kind->default_place);
  RtMeter *meter = rt_meter_open (kind, info->place, &error);
  info->available = meter != NULL;
  if (meter == NULL)
    info->reason = g_strdup (error.message);
  else
    {
      info->covers = g_strdup (rt_meter_get_covers (meter));
      info->channels = dup_channels (meter);
    }
  rt_meter_close (meter);
  return info;
}

GPtrArray *
eng_meters_list (const char *root)
{
  GPtrArray *meters = g_ptr_array_new_with_free_func ((GDestroyNotify)eng_meter_info_free);
  gsize n;
  const RtMeterKind *const *kinds = rt_meter_kinds (&n);

  for (gsize i = 0; i < n; i++)
    g_ptr_array_add (meters, look_at (kinds[i], root));
  return meters;
}

char *
eng_meters_describe (const GPtrArray *meters)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (guint i = 0; i < meters->len; i++)
    {
      const EngMeterInfo *info = meters->pdata[i];
      g_string_append_printf (text, "%s  %-8s %s", i > 0 ? "\n" : "", info->id,
                              info->available ? info->covers : info->reason);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

void
eng_power_set_current (EngPower *power)
{
  g_mutex_lock (&current_mutex);
  EngPower *before = current;
  current = power != NULL ? eng_power_ref (power) : NULL;
  current_reason = NULL;
  g_mutex_unlock (&current_mutex);
  eng_power_unref (before);
}

EngPower *
eng_power_dup_current (void)
{
  g_mutex_lock (&current_mutex);
  EngPower *power = current != NULL ? eng_power_ref (current) : NULL;
  g_mutex_unlock (&current_mutex);
  return power;
}

const char *
eng_power_get_current_reason (void)
{
  g_mutex_lock (&current_mutex);
  const char *reason = current_reason != NULL ? current_reason : "no power meter was chosen";
  g_mutex_unlock (&current_mutex);
  return reason;
}

gboolean
eng_power_choose (const char *choice, char **why, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (choice == NULL || g_str_equal (choice, "none"))
    {
      eng_power_set_current (NULL);
      if (why != NULL)
        *why = g_strdup ("no power meter is wanted");
      return FALSE;
    }
  g_autoptr (EngPower) power = eng_power_new (choice, &local);
  eng_power_set_current (power);
  if (power != NULL)
    return TRUE;
  g_mutex_lock (&current_mutex);
  current_reason = g_str_equal (choice, "auto") ? "no power sensor on this computer"
                                                : g_intern_string (local->message);
  g_mutex_unlock (&current_mutex);
  if (why != NULL)
    *why = g_strdup (local->message);
  if (!g_str_equal (choice, "auto"))
    g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}
