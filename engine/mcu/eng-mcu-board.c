/* Boards that code can be made for: the profiles of data/boards, which lie in the program. */
#include "eng-mcu-plan.h"

#include <math.h>
#include <string.h>

#include "eng-error.h"
#include "eng-json.h"
#include "eng-mcu-files.h"

static const char *const ids[] = { "mps2-an386", "mps3-an547", "stm32f405", "nrf52840", NULL };

const char *const *
eng_mcu_boards (void)
{
  return ids;
}

const char *
eng_mcu_isa_name (McIsa isa)
{
  return isa == MC_ISA_MVE ? "mve" : isa == MC_ISA_DSP ? "dsp" : "plain";
}

static gboolean
parse_isa (const char *name, McIsa *isa)
{
  for (McIsa i = MC_ISA_PLAIN; i <= MC_ISA_MVE; i++)
    if (g_strcmp0 (eng_mcu_isa_name (i), name) == 0)
      {
        *isa = i;
        return TRUE;
      }
  return FALSE;
}

void
eng_mcu_board_free (EngMcuBoard *board)
{
  if (board == NULL)
    return;
  g_free (board->id);
  g_free (board->title);
  g_free (board->cpu);
  g_free (board->machine);
  g_strfreev (board->cpu_flags);
  g_strfreev (board->emulator);
  g_free (board);
}

/* A positive count of bytes; FALSE: it is not there. */
static gboolean
need_bytes (JsonObject *object, const char *name, const char *board, guint64 *bytes, GError **error)
{
  const gint64 value = eng_json_get_int (object, name, -1);

  *bytes = (guint64)value;
  if (value > 0)
    return TRUE;
  g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT, "The profile of board %s has no %s", board,
               name);
  return FALSE;
}

static gboolean
fill (EngMcuBoard *board, JsonObject *object, GError **error)
{
  JsonArray *flags = eng_json_get_array (object, "cpu_flags");
  const char *title, *cpu, *machine, *isa;

  if (!eng_json_need_string (object, "title", board->id, &title, error)
      || !eng_json_need_string (object, "cpu", board->id, &cpu, error)
      || !eng_json_need_string (object, "machine", board->id, &machine, error)
      || !eng_json_need_string (object, "isa", board->id, &isa, error)
      || !need_bytes (object, "flash_bytes", board->id, &board->flash_bytes, error)
      || !need_bytes (object, "ram_bytes", board->id, &board->ram_bytes, error)
      || !need_bytes (object, "stack_bytes", board->id, &board->stack_bytes, error))
    return FALSE;
  board->title = g_strdup (title);
  board->cpu = g_strdup (cpu);
  board->machine = g_strdup (machine);
  board->cpu_flags = eng_json_dup_strv (object, "cpu_flags");
  JsonObject *emulator = eng_json_get_object (object, "emulator");
  if (emulator != NULL)
    board->emulator = eng_json_dup_strv (emulator, "arguments");
  board->clock_hz = eng_json_get_double (object, "clock_hz");
  if (flags != NULL && parse_isa (isa, &board->isa))
    return TRUE;
  g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
               "The profile of board %s has no cpu_flags, or its kernels \"%s\" are none",
               board->id, isa);
  return FALSE;
}

EngMcuBoard *
eng_mcu_board_load (const char *id, GError **error)
{
  g_autofree char *path = g_strdup_printf ("/lathe/mcu/boards/%s/board.json", id);
  g_autoptr (EngMcuBoard) board = g_new0 (EngMcuBoard, 1);
  g_autoptr (GBytes) bytes = NULL;

  board->id = g_strdup (id);
  if (g_strv_contains (ids, id))
    bytes = g_resource_lookup_data (eng_mcu_files_get_resource (), path,
                                    G_RESOURCE_LOOKUP_FLAGS_NONE, error);
  else
    eng_mcu_board_find (id, error);
  if (bytes == NULL)
    return NULL;
  g_autofree char *text = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  g_autoptr (JsonNode) root = eng_json_parse_object (text, id, error);
  if (root == NULL || !fill (board, json_node_get_object (root), error))
    return NULL;
  return g_steal_pointer (&board);
}

const char *
eng_mcu_board_find (const char *name, GError **error)
{
  g_autoptr (GString) known = g_string_new (NULL);

  for (guint i = 0; ids[i] != NULL; i++)
    {
      g_autoptr (EngMcuBoard) board = NULL;

      if (strcmp (ids[i], name) == 0)
        return ids[i];
      /* The first board with that processor. */
      board = strncmp (name, "cortex-", 7) == 0 ? eng_mcu_board_load (ids[i], NULL) : NULL;
      if (board != NULL && strcmp (board->machine, name) == 0)
        return ids[i];
      g_string_append_printf (known, "%s%s", i > 0 ? ", " : "", ids[i]);
    }
  g_set_error (error, ENG_ERROR, ENG_ERROR_NOT_FOUND,
               "There is no board \"%s\"; there are %s (or their processors: cortex-m4, "
               "cortex-m55)",
               name, known->str);
  return NULL;
}

EngBoard *
eng_mcu_board_describe (const char *id, GError **error)
{
  g_autoptr (EngMcuBoard) profile = eng_mcu_board_load (id, error);
  EngBoard *board;

  if (profile == NULL)
    return NULL;
  board = eng_board_new (ENG_BOARD_MICROCONTROLLER);
  board->cpu = g_strdup (profile->cpu);
  board->machine = g_strdup (profile->machine);
  board->isa = g_strdup (eng_mcu_isa_name (profile->isa));
  board->n_cpus = 1;
  board->memory_bytes = board->available_bytes = profile->ram_bytes;
  board->flash_bytes = profile->flash_bytes;
  board->clock_hz = profile->clock_hz;
  return board;
}

char *
eng_mcu_board_dup_title (const char *id, GError **error)
{
  g_autoptr (EngMcuBoard) board = eng_mcu_board_load (id, error);

  return board != NULL ? g_strdup (board->title) : NULL;
}

GStrv
eng_mcu_board_dup_emulator (const char *id, GError **error)
{
  g_autoptr (EngMcuBoard) board = eng_mcu_board_load (id, error);

  if (board != NULL && board->emulator == NULL)
    g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED, "%s has no emulator", board->title);
  return board != NULL ? g_steal_pointer (&board->emulator) : NULL;
}
