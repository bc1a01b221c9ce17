/* What the views say of devices. Called by rows, details, the chooser and the comparison; knows no
 * transport: what is said comes from the device, its board and the transport's table. */
#include "app-device-text.h"

#include "app-config.h"
#include "eng-run-device.h"

#include <glib/gi18n.h>

const char *
app_device_icon (EngDevice *device)
{
  if (device == NULL || eng_device_get_transport (device) == &eng_transport_local)
    return "lathe-computer-symbolic";
  return eng_device_get_kind (device) == ENG_BOARD_MICROCONTROLLER ? "lathe-chip-symbolic"
                                                                   : "lathe-board-symbolic";
}

const char *
app_device_name (EngDevice *device)
{
  if (device == NULL)
    return _ ("This computer");
  /* Its own runner is not another computer. */
  return eng_device_get_transport (device) == &eng_transport_local
             ? _ ("This computer, own process")
             : eng_device_get_name (device);
}

const char *
app_device_kind (EngDevice *device)
{
  gboolean emulated;

  if (device == NULL)
    return _ ("This computer");
  if (eng_device_get_transport (device) == &eng_transport_local)
    return _ ("Its own runner");
  emulated = eng_device_is_emulated (device);
  if (eng_device_get_kind (device) == ENG_BOARD_MICROCONTROLLER)
    return emulated ? _ ("Virtual microcontroller") : _ ("Microcontroller");
  return emulated ? _ ("Virtual Linux board") : _ ("Linux board");
}

gboolean
app_device_is_found (EngDevice *device)
{
  return device != NULL && !eng_device_is_builtin (device) && !eng_device_is_saved (device);
}

void
app_device_get_state (EngDevice *device, const char **icon, char **words)
{
  static const struct
  {
    const char *icon, *words;
  } states[] = {
    [ENG_DEVICE_UNKNOWN] = { "dialog-question-symbolic", N_ ("Not asked yet") },
    [ENG_DEVICE_CONNECTING] = { "process-working-symbolic", N_ ("Being asked…") },
    [ENG_DEVICE_READY] = { "object-select-symbolic", N_ ("Ready") },
    [ENG_DEVICE_MISSING] = { "dialog-warning-symbolic", N_ ("Something is missing") },
    [ENG_DEVICE_UNREACHABLE] = { "dialog-error-symbolic", N_ ("Does not answer") },
    [ENG_DEVICE_REFUSED] = { "dialog-error-symbolic", N_ ("No access") },
  };
  EngDeviceState state = device != NULL ? eng_device_get_state (device) : ENG_DEVICE_READY;

  if (app_device_is_found (device) && state == ENG_DEVICE_UNKNOWN)
    {
      *icon = "dialog-information-symbolic";
      *words = g_strdup (_ ("Found, not added yet"));
      return;
    }
  if ((guint)state >= G_N_ELEMENTS (states))
    state = ENG_DEVICE_UNKNOWN;
  *icon = states[state].icon;
  *words = g_strdup (_ (states[state].words));
}

/* A line is broken behind the dot, never before it. */
#define DOT "\u00a0· "

char *
app_device_dup_summary (const EngBoard *board)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *isa = board->isa != NULL ? g_utf8_strup (board->isa, -1) : NULL;
  g_autofree char *memory = eng_format_value ((double)board->memory_bytes, "B");

  if (board->n_cpus > 0)
    g_string_append_printf (text, ngettext ("%u core", "%u cores", board->n_cpus), board->n_cpus);
  if (isa != NULL)
    g_string_append_printf (text, "%s%s", text->len > 0 ? DOT : "", isa);
  if (board->memory_bytes > 0)
    g_string_append_printf (text, "%s%s", text->len > 0 ? DOT : "", memory);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

char *
app_device_dup_message (EngDevice *device)
{
  char *message = device != NULL ? eng_device_dup_message (device) : NULL;

  if (message == NULL && app_device_is_found (device))
    message = eng_device_dup_evidence (device);
  return message;
}

const char *
app_device_run_name (EngRun *run)
{
  const char *name = eng_run_get_device (run);

  return name != NULL ? name : _ ("This computer");
}

const char *
app_device_preflight_icon (EngPreflightState state)
{
  switch (state)
    {
    case ENG_PREFLIGHT_OK:
      return "object-select-symbolic";
    case ENG_PREFLIGHT_WARNING:
      return "dialog-warning-symbolic";
    case ENG_PREFLIGHT_FAILED:
    default:
      return "dialog-error-symbolic";
    }
}

const char *
app_device_preflight_word (EngPreflightState state)
{
  switch (state)
    {
    case ENG_PREFLIGHT_OK:
      return C_ ("preflight", "fine");
    case ENG_PREFLIGHT_WARNING:
      return C_ ("preflight", "warning");
    case ENG_PREFLIGHT_FAILED:
    default:
      return C_ ("preflight", "failed");
    }
}
