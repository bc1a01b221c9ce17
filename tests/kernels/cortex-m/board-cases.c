/* The image that runs the cases of mc-cases.c on a board: a line each, with the checksum, cycles,
 * and whether something was written that must not be. */
#include "board.h"
#include "mc-cases.h"

static uint32_t
cycles (void)
{
  return (uint32_t)clock_cycles ();
}

/* Memory that ends in nothing: a read behind it is a fault, which the board tells. */
#if defined __ARM_FEATURE_MVE
#define EDGE 0x20080000u /* data TCM */
#define EDGE_BYTES 49152
#else
#define EDGE 0x01010000u /* block RAM, 16 kB four times */
#define EDGE_BYTES 16384
#endif

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

/* Where emulators answer reads of nothing with 0: the protection unit refuses the 64 kB behind the
 * edge (Armv7-M Architecture Reference Manual, B3.5). */
static void
protect_edge (void)
{
#if !defined __ARM_FEATURE_MVE
  REGISTER (0xE000ED98u) = 0;                       /* region 0 */
  REGISTER (0xE000ED9Cu) = EDGE;                    /* from here */
  REGISTER (0xE000EDA0u) = 1u << 28 | 15u << 1 | 1; /* 2^16 bytes, no access */
  REGISTER (0xE000ED94u) = 1 | 1u << 2;             /* on; elsewhere as without it */
  __asm__ volatile("dsb\n isb" ::: "memory");
#endif
}

static const int8_t *
place (const int8_t *bytes, int32_t n)
{
  volatile int8_t *edge = (volatile int8_t *)((uintptr_t)EDGE - (uintptr_t)n);

  if (n > EDGE_BYTES)
    return bytes;
  for (int32_t i = 0; i < n; i++)
    edge[i] = bytes[i];
  return (const int8_t *)edge;
}

static bool
run_case (int32_t i)
{
  uint32_t ticks = 0;
  bool broken;
  const uint32_t sum = case_run (i, 1, cycles, &ticks, &broken);

  line_begin ("case");
  line_int ("index", i);
  line_string ("name", case_kind_name (cases[i].kind));
  line_uint ("macs", case_macs (i));
  line_uint ("sum", sum);
  line_uint ("cycles", ticks);
  line_bool ("broken", broken);
  line_end ();
  return !broken;
}

/* "PROGRAM x" and "PROGRAM weights": with those at the end of memory. */
int
board_main (void)
{
  static char command[64];
  bool ok = true;

  host_command_line (command, sizeof command);
  for (const char *c = command; *c != '\0'; c++)
    if (*c == ' ')
      {
        protect_edge ();
        case_place = place;
        case_places_weights = c[1] == 'w';
      }
  for (int32_t i = 0; i < n_cases; i++)
    ok = run_case (i) && ok;
  line_begin ("end");
  line_string ("isa", mc_isa_name ());
  line_uint ("stack_used_bytes", board_stack_used_bytes ());
  line_end ();
  return ok ? 0 : 1;
}
