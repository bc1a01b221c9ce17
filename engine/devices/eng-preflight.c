/* What is asked before a build goes to a board: from what the board last told of itself and from
 * the engine's own plan. Called by push, the window and the command line; touches no link. */
#include <math.h>

#include "eng-board-work.h"
#include "eng-push.h"
#include "mcu/eng-mcu-preflight.h"

/* A board whose clock is off by more is told of: files and runs get wrong dates. */
#define MAX_CLOCK_OFFSET_S 120
#define YEAR_2020_S 1577836800

/* Of memory that is available, what the runner itself and its trace take. */
#define RUNNER_BYTES ((guint64)24 << 20)
/* Of a build's file beside its weights: graph, tokenizer, constants. */
#define FILE_BYTES ((guint64)4 << 20)

void
eng_preflight_item_free (EngPreflightItem *item)
{
  if (item == NULL)
    return;
  g_free (item->text);
  g_free (item->remedy);
  g_free (item);
}

static EngPreflightItem *
add (GPtrArray *items, const char *id, const char *title, EngPreflightState state, char *text)
{
  EngPreflightItem *item = g_new0 (EngPreflightItem, 1);

  *item = (EngPreflightItem){ id, title, state, text, NULL };
  g_ptr_array_add (items, item);
  return item;
}

static void
add_isa (GPtrArray *items, const EngBoard *board)
{
  add (items, "isa", "Processor", ENG_PREFLIGHT_OK,
       g_strdup_printf ("%s%s%s, kernels for %s", board->cpu != NULL ? board->cpu : "",
                        board->cpu != NULL ? ", " : "",
                        board->machine != NULL ? board->machine : "unknown machine",
                        board->isa != NULL ? board->isa : "plain C"));
}

static guint64
needed_bytes (EngBuild *build)
{
  RtMemory memory;

  eng_build_get_memory (build, &memory);
  return memory.weight_bytes + memory.activation_bytes + memory.scratch_bytes + memory.kv_bytes
         + RUNNER_BYTES;
}

static void
add_memory (GPtrArray *items, const EngBoard *board, EngBuild *build)
{
  guint64 needed = needed_bytes (build);
  guint64 there = board->available_bytes > 0 ? board->available_bytes : board->memory_bytes;
  g_autofree char *need = eng_format_value ((double)needed, "B");
  g_autofree char *have = eng_format_value ((double)there, "B");

  if (there == 0)
    add (items, "memory", "Memory", ENG_PREFLIGHT_WARNING,
         g_strdup_printf ("needs %s; the board does not say how much it has", need));
  else if (needed > there)
    add (
        items, "memory", "Memory", ENG_PREFLIGHT_FAILED,
        g_strdup_printf ("needs %s and %s of the board are free: choose a smaller weight format, a "
                         "shorter context, or end other programs there",
                         need, have));
  else
    add (items, "memory", "Memory", ENG_PREFLIGHT_OK,
         g_strdup_printf ("needs %s of %s free", need, have));
}

/* As a shell takes it. */
static char *
dup_clean (EngDevice *device)
{
  g_autofree char *name = g_shell_quote (eng_device_get_name (device));

  return g_strdup_printf ("lathe devices clean %s", name);
}

/* Where a service keeps count. What it keeps of builds may be this one, or a part of it, and makes
 * way where it is not: only what does not fit beside the rest is refused. */
static void
add_limited_space (GPtrArray *items, EngDevice *device, const EngBoard *board, guint64 needed)
{
  g_autofree char *need = eng_format_value ((double)needed, "B");
  g_autofree char *left = eng_format_value ((double)board->free_bytes, "B");
  g_autofree char *all = eng_format_value ((double)board->quota_bytes, "B");
  g_autofree char *kept = eng_format_value ((double)board->kept_bytes, "B");
  g_autofree char *space = g_strdup_printf ("needs about %s; %s are %s", need, left,
                                            board->quota_bytes > 0 ? "left" : "free there");

  if (board->quota_bytes > 0)
    {
      char *limited = g_strdup_printf ("%s of the quota of %s that %s has there", space, all,
                                       eng_device_get_transport (device)->title);
      g_free (space);
      space = limited;
    }
  if (needed <= board->free_bytes)
    add (items, "space", "Space for files", ENG_PREFLIGHT_OK, g_steal_pointer (&space));
  else if (needed <= board->free_bytes + board->kept_bytes)
    add (items, "space", "Space for files", ENG_PREFLIGHT_WARNING,
         g_strdup_printf ("%s: unless it is there already, older builds (%s are kept) make way",
                          space, kept));
  else
    add (items, "space", "Space for files", ENG_PREFLIGHT_FAILED,
         g_strdup_printf ("%s, and %s of builds that could make way: clean up there%s", space, kept,
                          board->quota_bytes > 0 ? ", or start it with a larger --quota" : ""))
        ->remedy
        = dup_clean (device);
}

static void
add_space (GPtrArray *items, EngDevice *device, const EngBoard *board, EngBuild *build)
{
  RtMemory memory;

  eng_build_get_memory (build, &memory);
  guint64 needed = memory.weight_bytes + memory.weight_bytes / 50 + FILE_BYTES;
  g_autofree char *need = eng_format_value ((double)needed, "B");
  g_autofree char *have = eng_format_value ((double)board->free_bytes, "B");
  g_autofree char *kept = eng_format_value ((double)board->kept_bytes, "B");
  if (board->limited)
    add_limited_space (items, device, board, needed);
  else if (board->free_bytes == 0)
    add (items, "space", "Space for files", ENG_PREFLIGHT_WARNING,
         g_strdup_printf ("about %s; the board does not say how much is free", need));
  else if (needed > board->free_bytes && needed <= board->free_bytes + board->kept_bytes)
    add (
        items, "space", "Space for files", ENG_PREFLIGHT_WARNING,
        g_strdup_printf ("takes about %s and %s are free: unless it is there already, older builds "
                         "(%s are kept) make way",
                         need, have, kept));
  else if (needed > board->free_bytes)
    add (items, "space", "Space for files", ENG_PREFLIGHT_FAILED,
         g_strdup_printf ("takes about %s and %s are free where Lathe keeps its files", need, have))
        ->remedy
        = dup_clean (device);
  else
    add (items, "space", "Space for files", ENG_PREFLIGHT_OK,
         g_strdup_printf ("takes about %s of %s free", need, have));
}

static void
add_clock (GPtrArray *items, const EngBoard *board)
{
  gint64 offset = board->time_s - board->told_s;

  if (board->time_s == 0 || board->told_s == 0)
    add (items, "clock", "Clock", ENG_PREFLIGHT_OK,
         g_strdup ("the board has none; runs get this computer's time"));
  else if (board->time_s < YEAR_2020_S)
    {
      g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (board->time_s);
      g_autofree char *date = time != NULL ? g_date_time_format (time, "%Y-%m-%d") : g_strdup ("?");
      add (items, "clock", "Clock", ENG_PREFLIGHT_WARNING,
           g_strdup_printf ("the board believes it is %s; durations are right, dates there are not",
                            date))
          ->remedy
          = g_strdup ("sudo timedatectl set-ntp true");
    }
  else if (ABS (offset) > MAX_CLOCK_OFFSET_S)
    add (items, "clock", "Clock", ENG_PREFLIGHT_WARNING,
         g_strdup_printf ("the board's clock is %" G_GINT64_FORMAT
                          " s %s this computer's; durations are right, dates there are not",
                          ABS (offset), offset > 0 ? "ahead of" : "behind"))
        ->remedy
        = g_strdup ("sudo timedatectl set-ntp true");
  else
    add (items, "clock", "Clock", ENG_PREFLIGHT_OK, g_strdup ("agrees with this computer's"));
}

static void
add_sensors (GPtrArray *items, const EngBoard *board)
{
  /* The energy model has prices of processors that run Linux. */
  const struct
  {
    const char *what, *words;
  } sorts[] = { { "power", board->kind == ENG_BOARD_MICROCONTROLLER
                               ? "no power meter, so no energy"
                               : "no power meter, so energy is modelled only" },
                { "temperature", "no temperature" },
                { "clock", "no clock rate" } };
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (sorts); i++)
    {
      const char *why = eng_board_get_missing (board, sorts[i].what);
      if (why != NULL)
        g_string_append_printf (text, "%s%s (%s)", text->len > 0 ? "; " : "", sorts[i].words, why);
    }
  EngPreflightState state = text->len > 0 ? ENG_PREFLIGHT_WARNING : ENG_PREFLIGHT_OK;
  if (text->len == 0)
    g_string_append (text, "power, temperature and clock rate can be read");
  add (items, "sensors", "Sensors", state, g_string_free (text, FALSE));
}

static void
add_operators (GPtrArray *items, EngBuild *build)
{
  guint n = rt_graph_n_nodes (eng_build_get_graph (build));

  add (items, "operators", "Operators", ENG_PREFLIGHT_OK,
       g_strdup_printf ("all %u nodes: the runner has every operator of this program", n));
}

/* What of a recipe a board leaves out is said before, not only behind the run. */
static void
add_drafts (GPtrArray *items, EngBuild *build)
{
  const char *why = eng_board_work_why_plain (build);

  if (why != NULL)
    add (items, "drafts", "Speculation", ENG_PREFLIGHT_WARNING,
         g_strdup_printf ("the board decodes without drafts: %s", why));
}

static void
add_workload (GPtrArray *items, EngDevice *device, const EngWorkload *workload)
{
  if (workload == NULL)
    return;
  if (workload->seconds > 0)
    add (items, "workload", "Workload", ENG_PREFLIGHT_FAILED,
         g_strdup ("continuous runs are not possible on boards: give inputs and a number of "
                   "repeats instead"));
  else if (workload->kind == ENG_WORKLOAD_TEXT
           && eng_device_get_kind (device) == ENG_BOARD_MICROCONTROLLER)
    add (items, "workload", "Workload", ENG_PREFLIGHT_FAILED,
         g_strdup ("language models do not run on microcontrollers"));
}

GPtrArray *
eng_preflight (EngDevice *device, EngBuild *build, const EngWorkload *workload)
{
  g_return_val_if_fail (ENG_IS_DEVICE (device) && ENG_IS_BUILD (build), NULL);

  GPtrArray *items = g_ptr_array_new_with_free_func ((GDestroyNotify)eng_preflight_item_free);
  g_autoptr (EngBoard) board = eng_device_dup_board (device);

  if (board == NULL)
    {
      add (items, "isa", "Processor", ENG_PREFLIGHT_FAILED,
           g_strdup ("the device was not reached yet: connect to it first"));
      return items;
    }
  add_isa (items, board);
  add_workload (items, device, workload);
  if (board->kind == ENG_BOARD_LINUX)
    {
      add_operators (items, build);
      add_drafts (items, build);
      add_memory (items, board, build);
      add_space (items, device, board, build);
      add (items, "permissions", "Permissions", ENG_PREFLIGHT_OK,
           g_strdup ("files can be written and programs run there"));
      add_clock (items, board);
    }
  else
    eng_mcu_preflight (items, device, build);
  add_sensors (items, board);
  if (board->emulated)
    add (items, "emulator", "Times", ENG_PREFLIGHT_WARNING,
         g_strdup ("are of an emulator on this computer; results are the board's to the last bit"));
  return items;
}

gboolean
eng_preflight_passed (const GPtrArray *items)
{
  g_return_val_if_fail (items != NULL, FALSE);

  for (guint i = 0; i < items->len; i++)
    if (((const EngPreflightItem *)items->pdata[i])->state == ENG_PREFLIGHT_FAILED)
      return FALSE;
  return TRUE;
}
