/* Reads a run's machine once for what views ask of it again and again. Knows no devices. */
#include "eng-run-device.h"

#include "eng-json.h"

typedef struct
{
  char *name; /* NULL: this computer */
  gboolean emulated;
} Place;

static void
place_free (gpointer data)
{
  g_free (((Place *)data)->name);
  g_free (data);
}

static Place *
read_place (JsonObject *machine)
{
  Place *place = g_new0 (Place, 1);

  if (machine != NULL)
    {
      gboolean local = g_strcmp0 (eng_json_get_string (machine, "transport"), "local") == 0;
      place->name = g_strdup (local ? "This computer, own process"
                                    : eng_json_get_string (machine, "device"));
      place->emulated = eng_json_get_bool (machine, "emulated", FALSE);
    }
  return place;
}

/* Runs do not change: looked up once. */
static const Place *
get_place (EngRun *run)
{
  static GQuark quark;
  Place *place;

  if (quark == 0)
    quark = g_quark_from_static_string ("eng-run-place");
  place = g_object_get_qdata (G_OBJECT (run), quark);
  if (place != NULL)
    return place;

  g_autoptr (JsonNode) root
      = eng_json_parse_object (eng_run_get_machine_json (run), "machine", NULL);
  place = read_place (root != NULL ? json_node_get_object (root) : NULL);
  g_object_set_qdata_full (G_OBJECT (run), quark, place, place_free);
  return place;
}

const char *
eng_run_get_device (EngRun *run)
{
  g_return_val_if_fail (ENG_IS_RUN (run), NULL);
  return get_place (run)->name;
}

gboolean
eng_run_get_emulated (EngRun *run)
{
  g_return_val_if_fail (ENG_IS_RUN (run), FALSE);
  return get_place (run)->emulated;
}

char *
eng_run_device_of_header (const char *header, gboolean *emulated)
{
  g_autoptr (JsonNode) root
      = header != NULL ? eng_json_parse_object (header, "header", NULL) : NULL;
  Place *place = read_place (
      root != NULL ? eng_json_get_object (json_node_get_object (root), "machine") : NULL);
  char *name = g_steal_pointer (&place->name);

  if (emulated != NULL)
    *emulated = place->emulated;
  place_free (place);
  return name;
}
