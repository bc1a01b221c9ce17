/* Fuzz target: what lathe-agent reads from the network itself (ag-request.h).
 *
 * Byte 0 chooses the reader: n a file's name, r a range, # a number, c a command, s and f the two
 * bodies of pairing, j any JSON body. The rest is what came. */
#include "fuzz.h"

#include <string.h>

#include "ag-request.h"

#ifdef LATHE_LIBFUZZER
bool fuzz_accepted;
#endif

/* Nothing that is taken can leave the folder, be hidden in it, or be an option. */
static void
check_name (const char *name)
{
  size_t n = strlen (name);

  FUZZ_CHECK (n > 0 && n <= AG_MAX_NAME && name[0] != '.' && name[0] != '-');
  for (size_t i = 0; i < n; i++)
    FUZZ_CHECK (
        strchr ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", name[i]));
}

static void
check_command (const AgCommand *command)
{
  check_name (command->runner);
  FUZZ_CHECK (command->args[0] && command->files->len <= AG_MAX_ARGS);
  for (guint i = 0; i < command->files->len; i++)
    check_name (command->files->pdata[i]);
  for (guint i = 1; command->args[i]; i++)
    if (strcmp (command->args[i], "--log") != 0 && strcmp (command->args[i], "--from") != 0
        && strcmp (command->args[i], ".") != 0 && strcmp (command->args[i], AG_CURRENT) != 0)
      check_name (command->args[i]);
  if (command->log)
    check_name (command->log);
}

static bool
read_command (const char *text, size_t n)
{
  AgCommand command;
  g_autoptr (GError) error = NULL;
  bool ok = ag_command_read (&command, text, n, &error);

  FUZZ_CHECK (ok == (error == NULL));
  if (ok)
    check_command (&command);
  if (ok)
    ag_command_clear (&command);
  return ok;
}

static bool
read_pairing (const char *text, size_t n, bool start)
{
  AgPairStart first;
  AgPairFinish second;
  bool ok = start ? ag_pair_start_read (&first, text, n, NULL)
                  : ag_pair_finish_read (&second, text, n, NULL);

  if (ok && start)
    {
      FUZZ_CHECK (g_utf8_validate (first.name, -1, NULL) && !strchr (first.name, '\n')
                  && g_utf8_strlen (first.name, -1) <= 64);
      ag_pair_start_clear (&first);
    }
  return ok;
}

static bool
read_range (const char *text)
{
  guint64 start, n, total;

  if (!ag_range_read (text, &start, &n, &total))
    return false;
  FUZZ_CHECK (total <= AG_MAX_SIZE && start <= total && n <= total - start);
  return true;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t n)
{
  g_autofree char *text = NULL;
  guint64 number;

  if (n == 0)
    return 0;
  text = g_strndup ((const char *)data + 1, n - 1);
  switch (data[0])
    {
    case 'n':
      fuzz_accepted = ag_name_is_valid (text);
      if (fuzz_accepted)
        check_name (text);
      break;
    case 'r':
      fuzz_accepted = read_range (text);
      break;
    case '#':
      fuzz_accepted = ag_number_read (text, 1000, &number);
      FUZZ_CHECK (!fuzz_accepted || number <= 1000);
      break;
    case 'c':
      fuzz_accepted = read_command ((const char *)data + 1, n - 1);
      break;
    case 's':
    case 'f':
      fuzz_accepted = read_pairing ((const char *)data + 1, n - 1, data[0] == 's');
      break;
    case 'j':
      {
        g_autoptr (JsonObject) object = ag_json_read ((const char *)data + 1, n - 1, NULL);
        fuzz_accepted = object != NULL;
        break;
      }
    default:
      break;
    }
  return 0;
}
